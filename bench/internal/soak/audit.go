package soak

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// audit presents every token again, and compares the rows of the store with the
// ledger. Nothing else happens any more.
func (l *ledger) audit() error {
	subjects := make(map[string][]*token)
	for _, t := range l.tokens {
		subjects[t.subject] = append(subjects[t.subject], t)
	}
	for n := range len(l.names) { // there may be accounts whose every issue is unknown
		subjects[subjectOf(n)] = subjects[subjectOf(n)]
	}
	work := make(chan string)
	failed := make(chan error, len(subjects))
	var wait sync.WaitGroup
	for range l.plan.Clients {
		wait.Go(func() {
			for subject := range work {
				for _, t := range subjects[subject] {
					l.authenticated(t, 0, l.ask("GET", "/whoami", t.Plaintext, order{}), true)
				}
				var rows []*store.Credential
				a := l.ask("POST", "/list", "", order{Subject: subject})
				if err := a.decode(&rows); err != nil {
					failed <- err
					continue
				}
				l.compare(subjects[subject], rows)
			}
		})
	}
	for subject := range maps.Keys(subjects) {
		work <- subject
	}
	close(work)
	wait.Wait()
	close(failed)
	return <-failed // nil: closed and empty
}

// compare holds the rows of an account to what was acknowledged.
func (l *ledger) compare(tokens []*token, rows []*store.Credential) {
	byID := make(map[string]*store.Credential)
	families := make(map[string][]*store.Credential)
	for _, row := range rows {
		byID[row.ID] = row
		families[row.Family] = append(families[row.Family], row)
	}
	for _, t := range tokens {
		t.mu.Lock()
		if row := byID[t.ID]; row != nil {
			l.compareRow(t, row)
		} else if !l.pruned(t) {
			l.accuse(lost, t, "its row is not there")
		}
		t.mu.Unlock()
	}
	for _, family := range families {
		l.compareFamily(family)
	}
}

// compareRow holds a row to its token, whose t.mu is held.
func (l *ledger) compareRow(t *token, row *store.Credential) {
	var mayRevoke, mayRotate bool
	for _, a := range t.attempts() {
		happened := !row.RevokedAt.IsZero()
		may, must := &mayRevoke, row.ExpiresAt.After(a.ended.Add(slack-store.Skew)) // it was live
		if a.rotation {
			happened, may, must = !row.RotatedAt.IsZero(), &mayRotate, true
		}
		switch a.outcome {
		case made:
			*may = true
			if !happened && must {
				l.accuse(lost, t, "what was made at %.3fs is not in its row", a.began.Sub(l.start).Seconds())
			}
		case lostSight:
			*may = true
			if a.id == t.ID {
				l.resolve(happened)
			}
		case conflict:
			if !t.explains(a) {
				l.accuse(lost, t, "of rotations at once none was made")
			}
		}
	}
	if !row.RevokedAt.IsZero() && !mayRevoke {
		l.accuse(nobody, t, "its row is revoked")
	}
	if !row.RotatedAt.IsZero() && !mayRotate {
		l.accuse(nobody, t, "its row is rotated")
	}
	if !t.Expires.Equal(row.ExpiresAt) && row.RotatedAt.IsZero() {
		l.accuse(wrong, t, "its row expires at %v, and %v was acknowledged", row.ExpiresAt, t.Expires)
	}
}

// resolve counts a step whose answer was lost and whose end is now known.
func (l *ledger) resolve(happened bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Resolved++
	if happened {
		l.report.Happened++
	}
}

// compareFamily holds a chain of rotations to this: one row is the first, and
// every other one is the only successor of a row.
func (l *ledger) compareFamily(rows []*store.Credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	predecessors := make(map[time.Time]*store.Credential)
	for _, row := range rows {
		if !row.RotatedAt.IsZero() {
			predecessors[row.RotatedAt] = row
		}
	}
	complain := func(c check, what string, row *store.Credential) {
		var history []string
		for _, r := range slices.Backward(rows) {
			history = append(history, fmt.Sprintf("row %s, created %v, rotated %v, revoked %v", r.ID, r.CreatedAt, r.RotatedAt, r.RevokedAt))
		}
		l.violate(c, fmt.Sprintf("row %s: %s", row.ID, what), history...)
	}
	switch extra := len(rows) - 1 - len(predecessors); {
	case l.prunes: // some are gone
	case extra > 0:
		complain(doubled, fmt.Sprintf("its family has %d too many", extra), rows[0])
	case extra < 0:
		complain(lost, "a successor in its family is not there", rows[0])
	}
	for _, row := range rows {
		before := predecessors[row.CreatedAt]
		switch {
		case l.tokens[row.ID] != nil: // it was acknowledged
		case row.ID == row.Family && l.names[row.Name]:
			l.report.Resolved++
			l.report.Happened++
			delete(l.names, row.Name)
		case row.ID == row.Family, before != nil && !l.mayHaveSuccessor(before.ID):
			complain(nobody, "nobody asked for it", row)
		case before == nil && !l.prunes:
			complain(doubled, "no row was rotated to it", row)
		}
	}
}

// mayHaveSuccessor reports whether a rotation of this token is unknown. l.mu is
// held; nothing else happens to the token any more.
func (l *ledger) mayHaveSuccessor(id string) bool {
	t := l.tokens[id]
	return t != nil && slices.ContainsFunc(t.rotations, func(a *attempt) bool { return a.outcome == lostSight })
}
