package scs

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// Before is the service as it was.
func Before(sm *scs.SessionManager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		user := sm.GetString(r.Context(), "user")
		if user == "" {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, user)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) { login(w, r, sm) })
	mux.Handle("/cart", cart(sm))
	return sm.LoadAndSave(mux)
}

func login(w http.ResponseWriter, r *http.Request, sm *scs.SessionManager) {
	if err := sm.RenewToken(r.Context()); err != nil {
		http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		return
	}
	sm.Put(r.Context(), "user", checked(r))
}

// checked stands for the check of a password.
func checked(r *http.Request) string { return r.PostFormValue("user") }

// cart shows what is in the cart, after adding to it.
func cart(sm *scs.SessionManager) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if add := r.PostFormValue("add"); add != "" {
			sm.Put(r.Context(), "cart", add)
		}
		fmt.Fprintln(w, sm.GetString(r.Context(), "cart"))
	})
}

// After is the service with the old way removed, but for the cart.
func After(sm *scs.SessionManager, cookies *cookie.Sessions, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{cookies}, Observe: observe})
	if err != nil {
		return nil, err
	}
	mux := routes(sm, guard, cookies)
	mux.Handle("POST /login", cookies.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signIn(w, r, sm, cookies)
	})))
	return sm.LoadAndSave(mux), nil
}

func routes(sm *scs.SessionManager, guard *auth.Guard, cookies *cookie.Sessions) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/me", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintln(w, id.Subject)
	})))
	mux.Handle("/cart", cookies.Protect(cart(sm)))
	return mux
}

func signIn(w http.ResponseWriter, r *http.Request, sm *scs.SessionManager, cookies *cookie.Sessions) {
	err := sm.RenewToken(r.Context()) // the cart may have been planted
	if err == nil {
		_, err = cookies.SignIn(w, r, cookie.Request{Subject: checked(r)})
	}
	if err != nil {
		http.Error(w, "Try again later.", http.StatusServiceUnavailable)
	}
}
