package soak

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// slack is for what the clock of the service decides: it is the same clock, but
// may be set while it runs.
const slack = 100 * time.Millisecond

// A chain is what the tokens of one family have in common: a revocation of one of
// them ends them all.
type chain struct {
	mu          sync.Mutex // guards all tokens of the chain
	revocations []*attempt
}

// A token is what its clients know of it. Its times are theirs.
type token struct {
	grant
	*chain
	subject, name string
	place         int // in ledger.live; -1: not there

	rotations []*attempt
	refused   time.Time // when a client first had a 401
	history   []event
}

// An attempt is a revocation or a rotation of a token.
type attempt struct {
	id       string // of the token
	rotation bool
	overlap  time.Duration
	began    time.Time
	outcome  outcome
	ended    time.Time // when the answer came
}

type outcome string

const (
	pending   outcome = "pending"
	made      outcome = "made"
	conflict  outcome = "conflict" // certainly not made
	lostSight outcome = "unknown"  // made, or not made, or yet to be made
)

// begin notes an attempt. It must be called before the request is sent.
func (t *token) begin(rotation bool, overlap time.Duration) *attempt {
	a := &attempt{id: t.ID, rotation: rotation, overlap: overlap, began: time.Now(), outcome: pending}
	t.mu.Lock()
	defer t.mu.Unlock()
	if rotation {
		t.rotations = append(t.rotations, a)
	} else {
		t.revocations = append(t.revocations, a)
	}
	return a
}

// attempts returns the attempts that concern t. t.mu is held.
func (t *token) attempts() []*attempt { return slices.Concat(t.rotations, t.revocations) }

// mayEnd returns when the token may have ended at the earliest: an answer that
// came before must be yes. t.mu is held.
func (t *token) mayEnd() time.Time {
	end := t.Expires.Add(-slack)
	for _, a := range t.attempts() {
		if a.outcome != conflict {
			end = earlier(end, a.began.Add(max(0, a.overlap-slack)))
		}
	}
	return end
}

// mustEnd returns when the token has ended at the latest: the answer to a
// request that began later must be no. t.mu is held.
func (t *token) mustEnd() time.Time {
	end := t.Expires.Add(slack)
	if !t.refused.IsZero() {
		end = earlier(end, t.refused) // it does not come back to life
	}
	for _, a := range t.attempts() {
		switch {
		case a.outcome == made && a.overlap > 0:
			end = earlier(end, a.ended.Add(a.overlap+slack))
		case a.outcome == made:
			end = earlier(end, a.ended)
		}
	}
	return end
}

// replaced reports whether a rotation other than except was made. t.mu is held.
func (t *token) replaced(except *attempt) bool {
	for _, a := range t.rotations {
		if a != except && a.outcome == made {
			return true
		}
	}
	return false
}

// explains reports whether there is a reason for a rotation to be refused that
// was answered then: another attempt, or the expiry. t.mu is held.
func (t *token) explains(refusal *attempt) bool {
	for _, a := range t.attempts() {
		if a != refusal && a.outcome != conflict && !a.began.After(refusal.ended) {
			return true
		}
	}
	return refusal.ended.After(t.Expires.Add(-slack))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// An event is a step of a token's history.
type event struct {
	began, ended time.Time
	client       int
	what         string
	status       int
}

// note adds an event, and forgets half of them if there are many. t.mu is held.
func (t *token) note(client int, what string, a answer) {
	if len(t.history) == 64 {
		t.history = append(t.history[:0], t.history[32:]...)
	}
	t.history = append(t.history, event{a.began, a.ended, client, what, a.status})
}

// account returns the token's history, in times since start. t.mu is held.
func (t *token) account(start time.Time) (lines []string) {
	lines = append(lines, fmt.Sprintf("token %s of %s, family %s, expires at %.3fs", t.ID, t.subject, t.Family, t.Expires.Sub(start).Seconds()))
	for _, e := range t.history {
		status := fmt.Sprint(e.status)
		if e.status == 0 {
			status = "no answer"
		}
		lines = append(lines, fmt.Sprintf("%.3fs to %.3fs, client %d: %s: %s", e.began.Sub(start).Seconds(), e.ended.Sub(start).Seconds(), e.client, e.what, status))
	}
	for _, a := range t.attempts() {
		what := "revocation of " + a.id
		if a.rotation {
			what = fmt.Sprintf("rotation with overlap %v", a.overlap)
		}
		lines = append(lines, fmt.Sprintf("%s that began at %.3fs: %s", what, a.began.Sub(start).Seconds(), a.outcome))
	}
	return lines
}
