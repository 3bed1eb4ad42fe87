package main

import (
	"bytes"
	"errors"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"exact":   func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") },
	"day":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
	"fromNow": fromNow,
	"client":  client,
}).ParseFS(pageFiles, "pages/*.html"))

// fromNow says when t is, as people do: "3 minutes ago", "in 27 days".
func fromNow(t time.Time) string {
	now := time.Now()
	if d := now.Sub(t); d >= 0 && d < time.Minute {
		return "just now"
	} else if d < 0 {
		// Half a minute more, so that what was made for an hour says so.
		return "in " + strings.TrimSpace(humanize.CustomRelTime(t.Add(30*time.Second), now, "", "", magnitudes))
	}
	return humanize.CustomRelTime(t, now, "ago", "", magnitudes)
}

// magnitudes are finer than those of humanize: "in 10 days", not "in 1 week".
var magnitudes = []humanize.RelTimeMagnitude{
	{D: time.Minute, Format: "%d seconds %s", DivBy: time.Second},
	{D: 2 * time.Minute, Format: "1 minute %s", DivBy: 1},
	{D: time.Hour, Format: "%d minutes %s", DivBy: time.Minute},
	{D: 2 * time.Hour, Format: "1 hour %s", DivBy: 1},
	{D: 2 * humanize.Day, Format: "%d hours %s", DivBy: time.Hour},
	{D: 2 * humanize.Month, Format: "%d days %s", DivBy: humanize.Day},
	{D: 2 * humanize.Year, Format: "%d months %s", DivBy: humanize.Month},
	{D: math.MaxInt64, Format: "%d years %s", DivBy: humanize.Year},
}

// A frame is what all pages have around them.
type frame struct {
	Title  string
	At     string // the part of the portal that the page belongs to
	Email  string // who is signed in; "" on pages for anybody
	Admin  bool
	Notice string // what has just been done
	Error  string // what was wrong with what was sent
}

// frame returns the frame of a page for whoever is signed in.
func (a *app) frame(r *http.Request, at, title string) frame {
	f := frame{Title: title, At: at, Notice: notices[r.URL.Query().Get("done")]}
	if id, ok := auth.FromContext(r.Context()); ok {
		f.Email, f.Admin = id.Account.User.(account).email, id.Has(manageAccounts)
	}
	return f
}

// notices are what pages say after a redirect. Only a name of one is in the
// address, so nobody can make a link that says something else.
var notices = map[string]string{
	"token-revoked":      "The token is revoked. Nothing can use it any more.",
	"secret-revoked":     "The client secret is revoked. Tokens that it was exchanged for live on; revoke those you do not need.",
	"session-ended":      "That session is signed out.",
	"sessions-ended":     "All other sessions are signed out.",
	"everything-revoked": "All your tokens, client secrets and other sessions have ended.",
	"disabled":           "The account is disabled. Its sessions, tokens and secrets are refused from now on.",
	"enabled":            "The account is enabled. What was issued to it works again.",
	"signed-out":         "The account is signed out everywhere.",
	"voided":             "The account is signed out everywhere, and its tokens and secrets are refused.",
	"leaked-revoked":     "It was live and is revoked now.",
	"bye":                "You are signed out.",
}

// show answers with a page. It is rendered as a whole first, so that an error
// does not show half of it.
func (a *app) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, data); err != nil {
		a.log.ErrorContext(r.Context(), "page", "name", name, "err", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	text.WriteTo(w)
}

type errorPage struct {
	frame
	Text string
}

// fail answers with a page that says what did not work.
func (a *app) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	a.show(w, r, status, "error.html", errorPage{a.frame(r, "", "That did not work"), text})
}

// failed answers for an error of keystile's that no page explains better, and
// logs an outage.
func (a *app) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, auth.ErrCrossOrigin):
		a.fail(w, r, http.StatusForbidden, "This request came from another site.")
	case errors.Is(err, auth.ErrInvalidCredentials):
		a.fail(w, r, http.StatusBadRequest, "Your browser sent too many cookies. Delete those of this site and sign in again.")
	case errors.Is(err, store.ErrNotFound):
		a.fail(w, r, http.StatusNotFound, "There is no such thing in your account. It may have been removed in the meantime.")
	case errors.Is(err, store.ErrConflict):
		a.fail(w, r, http.StatusConflict, "It was replaced or revoked, or has expired, in the meantime.")
	case errors.Is(err, store.ErrLimit):
		w.Header().Set("Retry-After", "600")
		a.fail(w, r, http.StatusTooManyRequests, "This account has created as many credentials as it may within an hour. Try again later.")
	default:
		a.log.ErrorContext(r.Context(), "outage", "err", err)
		w.Header().Set("Retry-After", "1")
		a.fail(w, r, http.StatusServiceUnavailable, "This does not work at the moment. Please try again.")
	}
}

// refusePage answers for the Guard of the pages: who is not signed in is sent
// to where one signs in, and comes back.
func (a *app) refusePage(w http.ResponseWriter, r *http.Request, e *auth.Error) {
	switch {
	case e.Status() == http.StatusForbidden && errors.Is(e, auth.ErrInsufficientScope):
		a.fail(w, r, e.Status(), "Your account does not have the permission that this page needs.")
	case e.Status() != http.StatusUnauthorized:
		a.fail(w, r, e.Status(), e.Detail())
	case r.Method == http.MethodPost:
		// Without a session the Guard has no cause to look where the request
		// is from. What another site sent must not be kept for later.
		a.sessions.Protect(http.HandlerFunc(a.signInAndResume)).ServeHTTP(w, r)
	default:
		http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
	}
}

// done redirects to a page, which says what was done.
func done(w http.ResponseWriter, r *http.Request, page, notice, section string) {
	http.Redirect(w, r, page+"?done="+notice+section, http.StatusSeeOther)
}

// local returns the address of a page of this portal, and otherwise if next is
// none: a link to the sign-in page must not lead elsewhere.
func local(next, otherwise string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.Contains(next, `\`) {
		return otherwise
	}
	return u.RequestURI()
}
