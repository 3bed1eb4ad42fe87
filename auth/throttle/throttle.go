// Package throttle limits failed attempts to authenticate, for each client's
// address.
//
//	limiter, err := throttle.New(throttle.Config{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Throttle: limiter})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))
//
// Most services that accept the tokens and secrets of this module alone need no
// such limit against guessing: nobody guesses 238 bits. It saves the store from
// lookups of what a broken client or a scanner presents, and it is needed where
// people's passwords are accepted, by an authenticator for Basic for instance.
//
// # What is limited
//
// A request counts as an attempt if it has a header that carries credentials,
// Authorization unless [Config.Headers] says otherwise. It has failed if it is
// refused with [auth.ErrInvalidCredentials] or [auth.ErrMalformed]: an outage
// never counts, nor do credentials that are absent or lack a scope. Cookies are
// neither counted nor limited. They are sealed, so there is nothing to guess and
// the store is not asked for a forged one; and a browser whose session has ended
// must get its 401, for that clears the cookie.
//
// An address has a token bucket. It holds [Config.Burst] attempts; each that
// fails takes one, and each [Config.Interval] brings one back. While it is empty,
// attempts from there are answered with 429 and Retry-After before any
// authenticator, and so any store, is asked. Those that are under way together
// are all let through, so that a burst of valid requests never waits for itself;
// those of them that fail are owed, for an hour at most, so that guesses that are
// sent many at a time are no more than those that wait.
//
// # Who is locked out
//
// A valid credential from another address never is: addresses share nothing.
// From the same address, behind one NAT with a client that fails, a credential
// in an Authorization header passes that was accepted from there before; its
// hash is remembered, and the first time that it fails it is forgotten. One that
// is new there has to wait, for nobody can tell it from a guess without the
// lookup, or the comparison of a password, that the limit is there to prevent.
// Behind a reverse proxy everybody has the proxy's address unless
// [Config.TrustedProxies] names it: without it, one client that fails locks out
// all.
//
// IPv6 addresses count by their /64, which is what one customer gets. Requests
// whose address cannot be told, because a trusted proxy says something
// else than addresses, count as one client. So do all of a server on a Unix
// socket: set their RemoteAddr before the Guard sees them.
//
// # What it costs
//
// The memory is fixed. Of more addresses than it holds, those are kept that
// have failed the most, so a blocked one is not forgotten for any number of
// others that are not; who has more addresses than that to fail from is not
// stopped by a limit for each of them. What succeeds costs a hash and no
// allocation, and what fails no more than a lock that few others share.
package throttle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/internal/grammar"
)

const (
	defaultBurst     = 20
	defaultInterval  = 3 * time.Second
	defaultAddresses = 1 << 16

	maxBurst     = 1_000_000
	minInterval  = time.Millisecond
	maxInterval  = time.Hour
	maxAddresses = 10_000_000
)

// Config configures a [Limiter]. The zero Config is usable as it is.
type Config struct {
	_ [0]func()

	// Burst is how many attempts of an address may fail at once, at most a
	// million. The default is 20.
	Burst int

	// Interval is how long it takes until one more may fail, from a
	// millisecond to an hour. The default is 3 seconds.
	Interval time.Duration

	// Addresses is how many addresses are remembered, at most 10 million, 24
	// bytes each. The default is 65536.
	Addresses int

	// Headers are those that carry credentials. The default is Authorization.
	// Those of the host's own schemes, such as X-Api-Key, take its place.
	Headers []string

	// TrustedProxies are the networks of reverse proxies whose
	// X-Forwarded-For header is to be believed. By default the client's
	// address is that of the connection.
	TrustedProxies []netip.Prefix

	// Shared, if set, is told of failed attempts, to count them for several
	// machines.
	Shared Shared
}

// A Limiter is an [auth.Throttle]. Make it with [New]; the methods of the zero
// Limiter panic, of which a Guard makes 503. It is safe for concurrent use, and
// several Guards may have the same one, which counts for all of them.
type Limiter struct {
	began    time.Time // what is said in time.Duration counts from here
	spare    time.Duration
	interval time.Duration
	headers  []string
	trusted  []netip.Prefix
	shared   Shared

	failures failures
	accepted accepted
	blocked  atomic.Int64 // a time.Duration: from then on no address is blocked
}

var _ auth.Throttle = (*Limiter)(nil)

// New returns a [Limiter] for cfg, which it copies. The error names everything
// that is wrong with cfg at once.
func New(cfg Config) (*Limiter, error) {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf("throttle: Config."+format, a...)) }
	if cfg.Burst == 0 {
		cfg.Burst = defaultBurst
	}
	if cfg.Burst < 1 || cfg.Burst > maxBurst {
		fail("Burst: %d: must be from 1 to %d", cfg.Burst, maxBurst)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Interval < minInterval || cfg.Interval > maxInterval {
		fail("Interval: %v: must be from %v to %v", cfg.Interval, minInterval, maxInterval)
	}
	if cfg.Addresses == 0 {
		cfg.Addresses = defaultAddresses
	}
	if cfg.Addresses < 1 || cfg.Addresses > maxAddresses {
		fail("Addresses: %d: must be from 1 to %d", cfg.Addresses, maxAddresses)
	}
	headers := []string{"Authorization"}
	if cfg.Headers != nil {
		headers = slices.Clone(cfg.Headers)
	}
	if len(headers) == 0 {
		fail("Headers: empty: leave it nil for Authorization")
	}
	for i, name := range headers {
		headers[i] = http.CanonicalHeaderKey(name)
		if !grammar.IsToken(name) || headers[i] == "Cookie" {
			fail("Headers[%d]: %q: must be the name of a header, and not Cookie", i, name)
		}
	}
	trusted := credential.TrustedProxies(cfg.TrustedProxies, fail)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Limiter{
		began:    time.Now(),
		spare:    time.Duration(cfg.Burst-1) * cfg.Interval,
		interval: cfg.Interval,
		headers:  headers,
		trusted:  trusted,
		shared:   cfg.Shared,
		failures: newFailures(cfg.Addresses),
		accepted: newAccepted(),
	}, nil
}

// Wait implements [auth.Throttle].
func (l *Limiter) Wait(r *http.Request) time.Duration {
	l.mustBeMade()
	now := l.now()
	if int64(now) >= l.blocked.Load() || !l.isAttempt(r) {
		return 0
	}
	client := l.client(r)
	wait := l.failures.full(client) - l.spare - now
	if wait <= 0 || l.accepted.has(client, l.credentials(r)) {
		return 0
	}
	return wait
}

// Done implements [auth.Throttle].
func (l *Limiter) Done(r *http.Request, id *auth.Identity, err error) {
	l.mustBeMade()
	switch {
	case !l.isAttempt(r):
	case err == nil:
		// Only if they are what was accepted, and not something beside it that
		// nobody looked at: a guess, with a session of the attacker's own.
		if _, err := auth.HeaderCredentials(r.Header, id.Scheme); err == nil {
			l.accepted.add(l.client(r), l.credentials(r))
		}
	case errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrMalformed):
		client := l.client(r)
		l.accepted.remove(client, l.credentials(r))
		l.failed(r.Context(), client)
	}
}

// mustBeMade panics if New has not made l: it would limit nothing, unnoticed.
func (l *Limiter) mustBeMade() {
	if l == nil || l.headers == nil {
		panic("throttle: the Limiter was not made by New")
	}
}

func (l *Limiter) now() time.Duration { return time.Since(l.began) }

// isAttempt reports whether r carries what may be credentials.
func (l *Limiter) isAttempt(r *http.Request) bool {
	for _, name := range l.headers {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

// credentials returns the Authorization line of r, or "" if that is not all the
// credentials that r may carry.
func (l *Limiter) credentials(r *http.Request) string {
	for _, name := range l.headers {
		if name != "Authorization" && len(r.Header[name]) > 0 {
			return ""
		}
	}
	if lines := r.Header["Authorization"]; len(lines) == 1 {
		return lines[0]
	}
	return ""
}

func (l *Limiter) client(r *http.Request) client {
	return clientOf(credential.ClientAddr(r, l.trusted))
}

// failed counts a failed attempt.
func (l *Limiter) failed(ctx context.Context, c client) {
	now := l.now()
	full := l.failures.add(c, now, l.interval, l.spare)
	if wait := l.ask(ctx, c); wait > 0 {
		full = l.failures.raise(c, l.now(), l.now()+wait+l.spare)
	}
	until := int64(full - l.spare)
	for {
		last := l.blocked.Load()
		if until <= last || l.blocked.CompareAndSwap(last, until) {
			return
		}
	}
}
