package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/keystile/keystile/internal/grammar"
)

// A Guard authenticates requests under several schemes. Make one with [New];
// the zero Guard refuses everything with 503. It is safe for concurrent use.
//
// It answers as follows, always with "Cache-Control: no-store". The body is an
// application/problem+json document that is the same for every cause in a row.
//
//	ErrNoCredentials       401   a challenge per scheme
//	ErrMalformed           400   error="invalid_request"
//	ErrInvalidCredentials  401   error="invalid_token" on the scheme that refused
//	ErrInsufficientScope   403   error="insufficient_scope", scope="..."
//	ErrCrossOrigin         403
//	ErrThrottled           429   Retry-After, a minute unless the error says
//	anything else          503   Retry-After, 5 seconds
//
// Anything else includes a panic in an authenticator, in Accounts, in a Throttle
// or in a store, which goes no further than the request it happens in. A panic in the
// handler, or in the host's hooks, is none of the Guard's business and passes
// through.
//
// The values of the headers that it sets are shared between responses: append to
// them or replace them, but do not change them in place.
type Guard struct {
	schemes  []*scheme // in the order they are asked
	accounts Accounts
	throttle Throttle                                         // nil: none
	refuse   func(http.ResponseWriter, *http.Request, *Error) // nil: WriteProblem
	observe  func(context.Context, Event)                     // nil: nobody
	vary     []string

	elsewhere *scheme // in the place of one where Check cannot tell which

	noCredentials, crossOrigin, throttled, unavailable *Error
}

// Authenticate returns who r is from, for hosts that pass the identity on by
// themselves: it makes no context and writes no response. The error is an
// [*Error], which [WriteProblem] writes. The identity has each of scopes, or
// the error wraps [ErrInsufficientScope]; scopes are such as [Guard.Require] takes.
func (g *Guard) Authenticate(r *http.Request, scopes ...string) (*Identity, error) {
	return g.authenticate(r, scopes, new(Identity)) // on the caller's stack, as in FromContext
}

func (g *Guard) authenticate(r *http.Request, scopes []string, id *Identity) (*Identity, error) {
	if g == nil {
		g = new(Guard)
	}
	start := g.start()
	var d decision
	g.decide(r, &d)
	return g.conclude(r.Context(), start, &d, scopes, id)
}

// Check is Authenticate for credentials that came another way than the
// authenticators take them: in the body of a request, in a message, in a call
// of gRPC. Their plaintext is verified first, and id and err are what that
// returned:
//
//	id, err := tokens.Verify(ctx, plaintext, addr)
//	id, err = guard.Check(ctx, id, err)
//
// The account is asked, the scopes are compared, Observe is told, and the error
// is an [*Error], all as by Authenticate; a Throttle is not. id itself is not modified.
func (g *Guard) Check(ctx context.Context, id *Identity, err error, scopes ...string) (*Identity, error) {
	if g == nil {
		g = new(Guard)
	}
	start := g.start()
	d := decision{by: g.schemeOf(id)}
	g.judge(ctx, id, err, &d)
	return g.conclude(ctx, start, &d, scopes, new(Identity))
}

// conclude compares the scopes, reports the decision and returns it; id is where
// the identity is put.
func (g *Guard) conclude(ctx context.Context, start time.Time, d *decision, scopes []string, id *Identity) (*Identity, error) {
	if d.class == nil && d.lacks(scopes) {
		d.class, d.err = insufficientScope, fmt.Errorf("%w: it takes %q", ErrInsufficientScope, slices.Clone(scopes))
	}
	g.report(ctx, start, d)
	switch d.class {
	case nil:
		*id = d.identity()
		return id, nil
	case insufficientScope:
		return nil, d.by.insufficient(slices.Clone(scopes)) // a copy, so that the caller's need no heap
	}
	return nil, g.refusal(d, nil)
}

// Require returns middleware that lets through the requests whose identity has
// each of scopes; without scopes, every request that is authenticated. The
// handler finds the identity with [FromContext].
//
// It sets "Cache-Control: no-store", which the handler may replace, and adds to
// Vary. The ResponseWriter reaches the handler as it is.
//
// Require panics if a scope is not one that RFC 6749 section 3.3 allows, and
// what it returns panics if the handler is nil.
func (g *Guard) Require(scopes ...string) func(http.Handler) http.Handler {
	if g == nil {
		panic("auth: Require: nil Guard: New has returned an error")
	}
	scopes = slices.Clone(scopes)
	for _, s := range scopes {
		if !grammar.IsScope(s) {
			panic(fmt.Sprintf("auth: Require: scope %q: only printable ASCII without space, quote and backslash is allowed", s))
		}
	}
	lacking := fmt.Errorf("%w: it takes %q", ErrInsufficientScope, scopes)
	insufficient := make(map[*scheme]*Error, len(g.schemes))
	for _, s := range g.schemes {
		insufficient[s] = s.insufficient(scopes)
	}
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("auth: Require: nil handler")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := g.start()
			var d decision
			g.decide(r, &d)
			if d.class == nil && d.lacks(scopes) {
				d.class, d.err = insufficientScope, lacking
			}
			if d.class == nil {
				g.admit(w, r, next, start, &d)
			} else {
				g.turnAway(w, r, start, &d, insufficient[d.by])
			}
		})
	}
}

// Optional returns a handler that lets through, besides the requests that are
// authenticated, those that carry no credentials at all: [FromContext] then
// finds nothing. Credentials that are malformed, invalid or impossible to check
// are refused as by [Guard.Require].
func (g *Guard) Optional(next http.Handler) http.Handler {
	if g == nil {
		panic("auth: Optional: nil Guard: New has returned an error")
	}
	if next == nil {
		panic("auth: Optional: nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := g.start()
		var d decision
		g.decide(r, &d)
		switch d.class {
		case nil:
			g.admit(w, r, next, start, &d)
		case noCredentials:
			g.addVary(w.Header())
			if c, _ := r.Context().Value(identityKey{}).(*identityContext); c != nil && c.of != nil { // from elsewhere: this Guard found nobody
				r = r.WithContext(NewContext(r.Context(), nil))
			}
			next.ServeHTTP(w, r)
		default:
			g.turnAway(w, r, start, &d, nil)
		}
	})
}

// admit calls next with the identity in the context.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request, next http.Handler, start time.Time, d *decision) {
	g.report(r.Context(), start, d)
	h := w.Header()
	h["Cache-Control"] = noStore
	g.addVary(h)
	if d.by.responder != nil {
		d.by.responder.Respond(w, r, d.kept(), nil)
	}
	next.ServeHTTP(w, r.WithContext(d.context(r.Context())))
}

// turnAway writes the refusal.
func (g *Guard) turnAway(w http.ResponseWriter, r *http.Request, start time.Time, d *decision, insufficient *Error) {
	e := g.refusal(d, insufficient)
	g.report(r.Context(), start, d)
	if d.by != nil && d.by.responder != nil {
		d.by.responder.Respond(w, r, d.kept(), d.err)
	}
	h := w.Header()
	g.addVary(h)
	if g.refuse == nil {
		WriteProblem(w, r, e)
		return
	}
	e.setHeader(h)
	g.refuse(w, r, e)
}

// refusal returns the error of a decision. They are made beforehand; only a
// throttled one may need a Retry-After of its own.
func (g *Guard) refusal(d *decision, insufficient *Error) *Error {
	switch d.class {
	case noCredentials:
		return g.noCredentials
	case malformed:
		return d.by.malformed
	case invalidCredentials:
		return d.by.invalid
	case insufficientScope:
		if insufficient == nil { // the scheme itself says so
			return d.by.insufficient(nil)
		}
		return insufficient
	case crossOrigin:
		return g.crossOrigin
	case throttled:
		return g.throttled.withRetryAfter(d.err)
	}
	return g.unavailable
}

// start returns the time if somebody wants to know how long things take.
func (g *Guard) start() time.Time {
	if g.observe == nil {
		return time.Time{}
	}
	return time.Now()
}

// report tells Observe of a decision.
func (g *Guard) report(ctx context.Context, start time.Time, d *decision) {
	if g.observe == nil {
		return
	}
	id := d.kept()
	ev := Event{Type: Authenticated, Identity: id, Err: d.err, Duration: time.Since(start)}
	if d.err != nil {
		ev.Type = Refused
	}
	var of interface{ Credential() (subject, id string) }
	if id != nil {
		ev.Scheme, ev.Subject, ev.Credential = id.Scheme, id.Subject, id.Credential
	} else if errors.As(d.err, &of) {
		ev.Subject, ev.Credential = of.Credential()
	}
	if ev.Scheme == "" && d.by != nil {
		ev.Scheme = d.by.name()
	}
	g.observe(ctx, ev)
}

// addVary says that the response depends on the credentials, unless that was the
// last thing said.
func (g *Guard) addVary(h http.Header) {
	switch v := h["Vary"]; {
	case len(v) == 0:
		h["Vary"] = g.vary
	case len(g.vary) > 0 && v[len(v)-1] != g.vary[0]:
		h["Vary"] = append(v, g.vary...)
	}
}
