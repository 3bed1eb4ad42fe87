package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"when": func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") },
}).ParseFS(pageFiles, "pages/*.html"))

// page answers with a page. It is rendered as a whole first, so that an error
// does not show half of it.
func page(w http.ResponseWriter, status int, name string, data any) {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, data); err != nil {
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	text.WriteTo(w)
}

func style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "pages/style.css")
}

// refusePage answers for the Guard of the pages: who is not signed in is sent
// to where one signs in.
func refusePage(w http.ResponseWriter, r *http.Request, e *auth.Error) {
	if e.Status() == http.StatusUnauthorized {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	page(w, e.Status(), "error.html", e.Detail())
}

// failPage answers for what could not be done, and logs an outage.
func (a *app) failPage(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, auth.ErrCrossOrigin):
		page(w, http.StatusForbidden, "error.html", "This request came from another site.")
	case errors.Is(err, store.ErrNotFound):
		page(w, http.StatusNotFound, "error.html", "There is no such session.")
	default:
		a.log.ErrorContext(r.Context(), "outage", "err", err)
		page(w, http.StatusServiceUnavailable, "error.html", "This does not work at the moment. Please try again.")
	}
}

type loginPage struct{ Email, Error string }

func loginForm(w http.ResponseWriter, r *http.Request) {
	page(w, http.StatusOK, "login.html", loginPage{})
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	email := r.PostFormValue("email")
	user, err := a.accounts.signIn(r.Context(), email, r.PostFormValue("password"))
	if errors.Is(err, errWrongPassword) {
		w.Header().Set("Cache-Control", "no-store")
		page(w, http.StatusUnprocessableEntity, "login.html", loginPage{email, "The email or the password is not right."})
		return
	} else if err != nil {
		a.failPage(w, r, err)
		return
	}
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	_, err = a.sessions.SignIn(w, r, cookie.Request{Subject: user.subject, Addr: peer.Addr().Unmap(), UserAgent: r.UserAgent()})
	if err != nil {
		a.failPage(w, r, err)
		return
	}
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.sessions.SignOut(w, r); err != nil {
		a.failPage(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

type profilePage struct {
	Email    string
	Current  string // ID of this browser's session
	Sessions []cookie.Session
}

func (a *app) profile(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	list, err := a.sessions.List(r.Context(), id.Subject)
	if err != nil {
		a.failPage(w, r, err)
		return
	}
	page(w, http.StatusOK, "profile.html", profilePage{id.Account.User.(account).email, id.Credential, list})
}

func (a *app) revokeSession(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if err := a.sessions.Revoke(r.Context(), id.Subject, r.PathValue("id")); err != nil {
		a.failPage(w, r, err)
		return
	}
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}

func (a *app) revokeOtherSessions(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if _, err := a.sessions.RevokeAll(r.Context(), id.Subject, id.Credential); err != nil {
		a.failPage(w, r, err)
		return
	}
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}
