package main

import (
	"crypto/subtle"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// refusePage is Config.Refuse of the pages' guard. Headers such as the one that
// clears an invalid cookie are set already. Only 401 can be helped by signing in:
// an outage that led there would sign everybody out.
func refusePage(w http.ResponseWriter, r *http.Request, e *auth.Error) {
	if e.Status() != http.StatusUnauthorized {
		http.Error(w, e.Detail(), e.Status())
		return
	}
	next := "/reports"
	if r.Method == http.MethodGet || r.Method == http.MethodHead { // nobody comes back with a form
		next = r.URL.RequestURI()
	}
	http.Redirect(w, r, "/login?"+url.Values{"next": {next}}.Encode(), http.StatusSeeOther)
}

// local returns next if it is a path of this site, and that of the reports if not:
// a link to the sign-in must not lead to another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.Contains(next, `\`) { // browsers take \ for /
		return "/reports"
	}
	return next
}

var page = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><title>Two guards</title>
{{if .Subject}}<p>The reports of {{.Subject}}.
<form method="post" action="/logout"><button>Sign out</button></form>
{{else}}<form method="post" action="/login"><input type="hidden" name="next" value="{{.Next}}">
{{with .Error}}<p role="alert">{{.}}{{end}}
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
{{end}}</html>
`))

type view struct{ Subject, Next, Error string }

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	page.Execute(w, v)
}

func reports(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	show(w, http.StatusOK, view{Subject: id.Subject})
}

func loginForm(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, view{Next: local(r.URL.Query().Get("next"))})
}

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	next := local(r.PostFormValue("next"))
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(s.password)) == 0 {
		show(w, http.StatusUnprocessableEntity, view{Next: next, Error: "That is not the password."})
		return
	}
	if _, err := s.sessions.SignIn(w, r, cookie.Request{Subject: "ada", UserAgent: r.UserAgent()}); err != nil {
		failed(w, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.SignOut(w, r); err != nil {
		failed(w, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// failed answers for what signing in or out could not do.
func failed(w http.ResponseWriter, err error) {
	if errors.Is(err, auth.ErrCrossOrigin) {
		http.Error(w, "Cross-origin request refused.", http.StatusForbidden)
		return
	}
	slog.Error("sign in or out", "err", err)
	http.Error(w, "That does not work at the moment.", http.StatusServiceUnavailable)
}
