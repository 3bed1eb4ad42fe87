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

	// Steps that failed without a fault: when those ended that timed out, and
	// what to say of the others.
	late   []time.Time
	sudden []failure
}

type failure struct {
	ended time.Time
	what  string
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

// add enters a token of a chain that was granted.
func (l *ledger) add(g grant, c *chain, subject, name string, client int, a answer) {
	t := &token{grant: g, chain: c, subject: subject, name: name}
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
		l.late = append(l.late, a.ended)
	default:
		what := fmt.Sprintf("%.3fs: %s: status %d while nothing is wrong: %q, %v", a.began.Sub(l.start).Seconds(), kind, a.status, a.body, a.err)
		l.sudden = append(l.sudden, failure{a.ended, what})
	}
	return false
}
