package soak

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A ledger knows what was acknowledged, and judges every answer by it.
type ledger struct {
	*service
	plan    Plan
	start   time.Time
	weather weather

	mu     sync.Mutex
	report *Report
	tokens map[string]*token // by ID: all
	live   []*token          // not known to have ended
	dead   []*token          // some of those that have, the newest
	names  map[string]bool   // of issues; true: the answer was lost
}

func newLedger(s *service, p Plan) *ledger {
	return &ledger{
		service: s, plan: p, start: time.Now(),
		report: newReport(s.name, p),
		tokens: make(map[string]*token), names: make(map[string]bool),
	}
}

// perSubject is how many tokens are issued to one account. So it has a few
// hundred with all that they are rotated to, which one list holds.
const perSubject = 50

// newName returns an account and a name for a token that nobody has.
func (l *ledger) newName() (subject, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.names)
	name = "token " + strconv.Itoa(n)
	l.names[name] = false
	return subjectOf(n), name
}

func subjectOf(n int) string { return "account " + strconv.Itoa(n/perSubject) }

// add enters a token that was granted.
func (l *ledger) add(g grant, subject, name string, client int, a answer) {
	t := &token{grant: g, subject: subject, name: name}
	t.note(client, "granted", a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens[g.ID] != nil {
		l.violate(wrong, fmt.Sprintf("the ID %s was given twice", g.ID))
		return
	}
	l.tokens[g.ID] = t
	t.place = len(l.live)
	l.live = append(l.live, t)
}

// bury takes a token that has ended from those that live.
func (l *ledger) bury(t *token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.place < 0 {
		return
	}
	last := l.live[len(l.live)-1]
	l.live[t.place], last.place = last, t.place
	l.live = l.live[:len(l.live)-1]
	t.place = -1
	if len(l.dead) == many {
		l.dead = append(l.dead[:0], l.dead[many/2:]...)
	}
	l.dead = append(l.dead, t)
}

// pick returns a token that lives, or one that has ended where there is one.
func (l *ledger) pick(rng *rand.Rand, dead bool) *token {
	l.mu.Lock()
	defer l.mu.Unlock()
	if dead && len(l.dead) > 0 || len(l.live) == 0 {
		return l.dead[rng.IntN(len(l.dead))]
	}
	return l.live[rng.IntN(len(l.live))]
}

func (l *ledger) living() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.live)
}

// violate counts a violation and keeps the first ones. l.mu is held.
func (l *ledger) violate(c check, what string, history ...string) {
	l.report.violate(c, what, history)
}

// accuse is violate with the history of a token, whose t.mu is held.
func (l *ledger) accuse(c check, t *token, format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violate(c, fmt.Sprintf("%.3fs: ", time.Since(l.start).Seconds())+fmt.Sprintf(format, a...), t.account(l.start)...)
}

// tally counts a step of a kind, and reports whether its answer says what
// happened. If it does not, it must be for a reason, and be said as it should.
func (l *ledger) tally(kind string, a answer) (known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.report.step(kind)
	n.Sent++
	complain := func(c check, what string) {
		l.violate(c, fmt.Sprintf("%.3fs: %s: %s", a.began.Sub(l.start).Seconds(), kind, what))
	}
	switch {
	case a.status == http.StatusServiceUnavailable:
		n.Unavailable++
		if seconds, err := strconv.Atoi(a.retryAfter); err != nil || seconds < 1 {
			complain(noRetry, fmt.Sprintf("Retry-After is %q", a.retryAfter))
		}
	case a.status == 0:
		n.NoAnswer++
		if !l.dies {
			complain(wrong, fmt.Sprintf("no answer from a service that runs: %v", a.err))
		}
	case a.status == http.StatusOK:
		n.Acknowledged++
		return true
	default:
		n.Refused++
		return true
	}
	switch {
	case l.weather.excuses(a.began):
	case a.ended.Sub(a.began) > overload:
		l.report.Overloaded++
	default:
		complain(unavailable, fmt.Sprintf("status %d while nothing is wrong: %q, %v", a.status, a.body, a.err))
	}
	return false
}

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
		l.add(g, subject, name, client, a)
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
		l.add(g, t.subject, t.name, client, a)
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
