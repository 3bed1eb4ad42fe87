package auth

import (
	"net/http"
	"time"
)

// A Throttle limits failed attempts. Package throttle has one that counts by the
// client's address. It is called concurrently.
type Throttle interface {
	// Wait returns for how long r is to be refused with ErrThrottled, before
	// any authenticator is asked; 0 means that it is not.
	Wait(r *http.Request) time.Duration

	// Done tells what became of a request that was not refused so: err is nil
	// if it was authenticated, as id, and else why it was not; id is then nil
	// unless an authenticator had recognised it. Scopes do not count.
	Done(r *http.Request, id *Identity, err error)
}

// decide decides about r, and sets *d. What fails or panics on the way is
// contained in it.
func (g *Guard) decide(r *http.Request, d *decision) {
	defer contain(d)
	if g.throttle == nil {
		g.ask(r, d)
		return
	}
	if wait := g.throttle.Wait(r); wait > 0 {
		d.class, d.err = throttled, retryAfter(wait)
		return
	}
	g.ask(r, d)
	g.throttle.Done(r, d.kept(), d.err)
}

// retryAfter is ErrThrottled, and how long for.
type retryAfter time.Duration

func (retryAfter) Error() string { return ErrThrottled.Error() }

func (retryAfter) Unwrap() error { return ErrThrottled }

func (e retryAfter) RetryAfter() time.Duration { return time.Duration(e) }
