package gorilla

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// Before is the service as it was.
func Before(store sessions.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, name)
		user, _ := session.Values["user"].(string)
		if user == "" {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, user)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) { login(w, r, store) })
	return mux
}

func login(w http.ResponseWriter, r *http.Request, store sessions.Store) {
	session, _ := store.Get(r, name)
	session.Values["user"] = checked(r)
	if err := session.Save(r, w); err != nil {
		http.Error(w, "Try again later.", http.StatusServiceUnavailable)
	}
}

// checked stands for the check of a password.
func checked(r *http.Request) string { return r.PostFormValue("user") }

// After is the service with the old way removed.
func After(cookies *cookie.Sessions, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{cookies}, Observe: observe})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/me", guard.Require()(http.HandlerFunc(me)))
	mux.Handle("POST /login", cookies.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := cookies.SignIn(w, r, cookie.Request{Subject: checked(r)}); err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		}
	})))
	return mux, nil
}
