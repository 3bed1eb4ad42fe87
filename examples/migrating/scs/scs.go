// Package scs moves who is signed in from the sessions of
// github.com/alexedwards/scs/v2 to package cookie, while people stay signed in.
// What else the sessions hold, a cart here, stays where it is.
package scs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// overlap is how long the old session authenticates after the new one has begun,
// for what the browser has sent meanwhile.
const overlap = time.Minute

// Legacy authenticates by the sessions that the service has made so far. It
// works within LoadAndSave.
type Legacy struct {
	Manager *scs.SessionManager

	// Move, if set, signs in anew who comes with an old session.
	Move *cookie.Sessions

	origins http.CrossOriginProtection
}

// Ambient has the Guard ask for the old cookie after every header.
func (l *Legacy) Ambient() {}

// Authenticate implements auth.Authenticator.
func (l *Legacy) Authenticate(r *http.Request) (*auth.Identity, error) {
	ctx := r.Context() // LoadAndSave has put the session there, or answered an outage
	if c, err := r.Cookie(l.Manager.Cookie.Name); err != nil || c.Value == "" {
		return nil, auth.ErrNoCredentials
	}
	// First: Ambient marks, and checks nothing.
	if err := l.origins.Check(r); err != nil {
		return nil, fmt.Errorf("%w: %w", auth.ErrCrossOrigin, err)
	}
	if r.Header.Get("Upgrade") != "" { // begins with a GET, which passes
		return nil, fmt.Errorf("%w: a WebSocket takes a new session", auth.ErrCrossOrigin)
	}
	if l.Manager.Token(ctx) == "" {
		return nil, fmt.Errorf("%w: scs: no such session", auth.ErrInvalidCredentials)
	}
	user := l.Manager.GetString(ctx, "user")
	moved := l.Manager.GetInt64(ctx, "moved")
	if user == "" || moved != 0 && !time.Now().Before(time.Unix(moved, 0).Add(overlap)) {
		return nil, auth.ErrNoCredentials // a visitor with a cart
	}
	deadline := l.Manager.Deadline(ctx)
	return &auth.Identity{
		Subject: user, Scheme: "scs", Scopes: []string{auth.AllScopes},
		// RenewToken, at sign-in, has set the deadline.
		IssuedAt: deadline.Add(-l.Manager.Lifetime), ExpiresAt: deadline,
	}, nil
}

// Respond implements auth.Responder. It is called before the handler.
func (l *Legacy) Respond(w http.ResponseWriter, r *http.Request, id *auth.Identity, err error) {
	switch {
	case errors.Is(err, auth.ErrInvalidCredentials) && l.Manager.Token(r.Context()) == "":
		old := l.Manager.Cookie
		http.SetCookie(w, &http.Cookie{Name: old.Name, Domain: old.Domain, Path: old.Path, MaxAge: -1, Secure: old.Secure})
	case err == nil && l.Move != nil && !l.Manager.Exists(r.Context(), "moved"):
		if _, err := l.Move.SignIn(w, r, cookie.Request{Subject: id.Subject}); err != nil {
			slog.ErrorContext(r.Context(), "the old session goes on", "err", err)
			return
		}
		l.Manager.Put(r.Context(), "moved", time.Now().Unix())
	}
}

// During is the service while both cookies work.
func During(old *Legacy, cookies *cookie.Sessions, observe func(context.Context, auth.Event)) (http.Handler, error) {
	old.Manager.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		slog.ErrorContext(r.Context(), "sessions", "err", err)
		auth.WriteProblem(w, r, nil) // 503, where the default is 500
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{cookies, old}, Observe: observe})
	if err != nil {
		return nil, err
	}
	mux := routes(old.Manager, guard, cookies)
	mux.Handle("POST /login", cookies.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if old.Move == nil {
			login(w, r, old.Manager)
			return
		}
		signIn(w, r, old.Manager, cookies)
		old.Manager.Remove(r.Context(), "user") // it may be somebody else
	})))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		err := cookies.SignOut(w, r) // first: it refuses what another site sends
		if err == nil {
			err = old.Manager.Destroy(r.Context())
		}
		if err != nil {
			http.Error(w, "Try again.", http.StatusServiceUnavailable)
		}
	})
	return old.Manager.LoadAndSave(mux), nil
}
