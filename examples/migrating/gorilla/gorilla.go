// Package gorilla moves a service from github.com/gorilla/sessions to package
// cookie while people stay signed in.
package gorilla

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

const name = "app" // of the old cookie

// Legacy authenticates by the sessions that the service has made so far.
type Legacy struct {
	Store sessions.Store

	// Move, if set, signs in anew who comes with an old session.
	Move *cookie.Sessions

	origins http.CrossOriginProtection
}

// Ambient has the Guard ask for the old cookie after every header.
func (l *Legacy) Ambient() {}

// Authenticate implements auth.Authenticator.
func (l *Legacy) Authenticate(r *http.Request) (*auth.Identity, error) {
	if _, err := r.Cookie(name); err != nil {
		return nil, auth.ErrNoCredentials
	}
	// First: Ambient marks, and checks nothing.
	if err := l.origins.Check(r); err != nil {
		return nil, fmt.Errorf("%w: %w", auth.ErrCrossOrigin, err)
	}
	if r.Header.Get("Upgrade") != "" { // begins with a GET, which passes
		return nil, fmt.Errorf("%w: a WebSocket takes a new session", auth.ErrCrossOrigin)
	}
	session, err := l.Store.New(r, name)
	var bad securecookie.Error
	switch {
	case errors.As(err, &bad) && bad.IsDecode(), errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: gorilla: %w", auth.ErrInvalidCredentials, err)
	case err != nil:
		return nil, err // an outage: 503
	case session.IsNew:
		return nil, fmt.Errorf("%w: gorilla: the store has no such session", auth.ErrInvalidCredentials)
	}
	user, _ := session.Values["user"].(string)
	if user == "" {
		return nil, auth.ErrNoCredentials // a visitor with a flash message
	}
	// IssuedAt stays zero, so that an account's NotBefore ends all of these:
	// the stamp in the cookie is of its last Save, and not of the sign-in.
	return &auth.Identity{Subject: user, Scheme: "gorilla", Scopes: []string{auth.AllScopes}}, nil
}

// Respond implements auth.Responder. It is called before the handler.
func (l *Legacy) Respond(w http.ResponseWriter, r *http.Request, id *auth.Identity, err error) {
	if err == nil && l.Move != nil {
		_, failed := l.Move.SignIn(w, r, cookie.Request{Subject: id.Subject})
		if failed == nil { // else the old session is as good as before
			l.clear(w, r)
		}
	}
	if errors.Is(err, auth.ErrInvalidCredentials) {
		l.clear(w, r)
	}
}

// clear ends the old session, as far as its store can.
func (l *Legacy) clear(w http.ResponseWriter, r *http.Request) error {
	session, _ := l.Store.New(r, name)
	clear(session.Values)
	session.Options.MaxAge = -1
	return session.Save(r, w)
}

// During is the service while both cookies work.
func During(old *Legacy, cookies *cookie.Sessions, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{cookies, old}, Observe: observe})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/me", guard.Require()(http.HandlerFunc(me)))
	mux.Handle("POST /login", cookies.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if old.Move == nil {
			login(w, r, old.Store)
			return
		}
		_, err := cookies.SignIn(w, r, cookie.Request{Subject: checked(r)})
		if err == nil {
			err = old.clear(w, r) // it may be somebody else's
		}
		if err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		}
	})))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		err := cookies.SignOut(w, r) // first: it refuses what another site sends
		if err == nil {
			err = old.clear(w, r)
		}
		if err != nil {
			http.Error(w, "Try again.", http.StatusServiceUnavailable)
		}
	})
	return mux, nil
}

func me(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintln(w, id.Subject)
}
