package soak

import (
	"fmt"
	"net/http"
	"time"
)

// authenticated judges the answer to a request with the token. In the end, when
// nothing happens any more, a refusal means that the token is lost.
func (l *ledger) authenticated(t *token, client int, a answer, atEnd bool) {
	known := l.tally("authenticate", a)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(client, "authenticate", a)
	if !known {
		return
	}
	must, may := a.began.After(t.mustEnd()), !a.ended.Before(t.mayEnd())
	l.judged(must || !may)
	switch {
	case a.status == http.StatusOK && string(a.body) != t.ID:
		l.accuse(wrong, t, "it authenticates as %q", a.body)
	case a.status == http.StatusOK && must:
		l.accuse(accepted, t, "it is accepted")
	case a.status == http.StatusOK:
	case a.status != http.StatusUnauthorized:
		l.accuse(wrong, t, "status %d", a.status)
	case !may && atEnd:
		l.accuse(lost, t, "it is refused in the end, for good")
	case !may:
		l.accuse(wrong401, t, "it is refused")
	case t.refused.IsZero():
		t.refused = a.ended
	}
	if a.status == http.StatusUnauthorized {
		l.bury(t)
	}
}

func (l *ledger) judged(strictly bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Judged++
	if strictly {
		l.report.Strictly++
	}
}

// issued enters what came of an issue.
func (l *ledger) issued(subject, name string, client int, a answer) {
	var g grant
	switch {
	case !l.tally("issue", a):
		l.mu.Lock()
		defer l.mu.Unlock()
		l.names[name] = true
	case a.decode(&g) != nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.violate(wrong, fmt.Sprintf("issue: status %d: %s", a.status, a.body))
	default:
		l.add(g, new(chain), subject, name, client, a)
	}
}

// rotated enters what came of a rotation.
func (l *ledger) rotated(t *token, r *attempt, client int, a answer) {
	known := l.tally("rotate", a)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(client, fmt.Sprintf("rotate with overlap %v", r.overlap), a)
	mustEnd := t.mustEnd() // before this one
	r.ended = a.ended
	var g grant
	switch {
	case !known:
		r.outcome = lostSight
	case a.decode(&g) == nil:
		r.outcome = made
		if t.replaced(r) {
			l.accuse(doubled, t, "it has a second successor, %s", g.ID)
		} else if a.began.After(mustEnd) {
			l.accuse(accepted, t, "it is rotated")
		}
		if g.Family != t.Family {
			l.accuse(wrong, t, "its successor is of the family %s", g.Family)
		}
		l.add(g, t.chain, t.subject, t.name, client, a)
		if r.overlap == 0 {
			l.bury(t)
		}
	case a.status == http.StatusConflict:
		r.outcome = conflict
		if !t.explains(r) {
			l.accuse(lost, t, "it cannot be rotated, and nothing has happened to it")
		}
	default:
		r.outcome = conflict
		l.notThere(t, a)
	}
}

// revoked enters what came of a revocation.
func (l *ledger) revoked(t *token, r *attempt, client int, a answer) {
	known := l.tally("revoke", a)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(client, "revoke", a)
	r.ended = a.ended
	switch {
	case !known:
		r.outcome = lostSight
	case a.status == http.StatusOK:
		r.outcome = made
		l.bury(t)
	default:
		r.outcome = conflict
		l.notThere(t, a)
	}
}

// notThere judges a refusal that says that there is no such token. t.mu is held.
func (l *ledger) notThere(t *token, a answer) {
	switch {
	case a.status != http.StatusNotFound:
		l.accuse(wrong, t, "status %d: %s", a.status, a.body)
	case !l.pruned(t):
		l.accuse(lost, t, "it is not found")
	}
}

// pruned reports whether t may have been removed. t.mu is held.
func (l *ledger) pruned(t *token) bool {
	return l.prunes && t.mayEnd().Before(time.Now().Add(slack-keep))
}
