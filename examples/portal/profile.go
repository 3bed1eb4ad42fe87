package main

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

const (
	tokensPerPage = 10
	secretWarning = 14 * 24 * time.Hour // before a client secret expires
	sessionsShown = 10
	entriesShown  = 12
)

type profilePage struct {
	frame
	Permissions []string

	Tokens []row
	All    bool   // ended tokens too
	Page   int    // from 1
	Older  string // address of the next page; "" if there is none
	Form   tokenForm

	Secrets     []row
	SecretError string

	Session      cookie.Session // this browser's
	Others       []cookie.Session
	MoreSessions int // that are not among Others

	Activity []activityRow
}

// A row is a credential and what the page says of it.
type row struct {
	*store.Credential
	Status  string
	Live    bool // works
	Current bool // works and has no successor yet
	Warn    bool // ends soon
}

// newRow returns the row of c. One that was made for long ends soon when a tenth
// of its time is left, or when within says so.
func newRow(c *store.Credential, within time.Duration) row {
	now := time.Now()
	rw := row{Credential: c, Live: c.Active(now)}
	rw.Current = rw.Live && c.RotatedAt.IsZero()
	left := c.ExpiresAt.Sub(now)
	if within == 0 {
		within = c.ExpiresAt.Sub(c.CreatedAt) / 10
	}
	rw.Warn = rw.Current && !c.ExpiresAt.IsZero() && left < within
	switch {
	case !c.RevokedAt.IsZero():
		rw.Status = "Revoked"
	case !c.RotatedAt.IsZero():
		rw.Status = "Replaced"
	case !rw.Live:
		rw.Status = "Expired"
	case rw.Warn:
		rw.Status = "Expires soon"
	default:
		rw.Status = "Active"
	}
	return rw
}

type activityRow struct {
	entry
	Name string // of the credential
}

func (a *app) profile(w http.ResponseWriter, r *http.Request) {
	a.showProfile(w, r, http.StatusOK, profilePage{})
}

// showProfile answers with the profile. What page has already is kept: a form
// with what was typed, and what is wrong with it.
func (a *app) showProfile(w http.ResponseWriter, r *http.Request, status int, page profilePage) {
	id, _ := auth.FromContext(r.Context())
	wrong := page.Error
	page.frame = a.frame(r, "profile", "My profile")
	page.Error = wrong
	page.Permissions = id.Account.Permissions
	if page.Form.Scopes == nil {
		page.Form = newTokenForm(id)
	}
	err := a.addTokens(r, id.Subject, &page)
	if errors.Is(err, errAddress) {
		http.Redirect(w, r, "/profile#tokens", http.StatusSeeOther)
		return
	}
	if err == nil {
		err = a.addSecrets(r, id.Subject, &page)
	}
	if err == nil {
		err = a.addSessions(r, id, &page)
	}
	if err == nil {
		err = a.addActivity(r, id.Subject, &page)
	}
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.show(w, r, status, "profile.html", page)
}

// addTokens reads a page of tokens: the active ones, also those that a client has
// exchanged, or the history of those that the account created itself.
func (a *app) addTokens(r *http.Request, subject string, page *profilePage) error {
	form := r.URL.Query()
	page.All = form.Get("show") == "all"
	page.Page = 1
	q := store.Query{Kind: store.KindToken, Subject: subject, Limit: tokensPerPage, After: store.Cursor(form.Get("after"))}
	if !page.All {
		q.Active, q.ClientID = true, store.AnyClient
	}
	if q.Validate() != nil {
		return errAddress
	}
	if n, err := strconv.Atoi(form.Get("page")); err == nil && n > 1 && q.After != "" {
		page.Page = n
	}
	list, next, err := a.store.List(r.Context(), q)
	if err != nil {
		return err
	}
	if next != "" {
		older := url.Values{"after": {string(next)}, "page": {strconv.Itoa(page.Page + 1)}}
		if page.All {
			older.Set("show", "all")
		}
		page.Older = "/profile?" + older.Encode() + "#tokens"
	}
	for _, c := range list {
		page.Tokens = append(page.Tokens, newRow(c, 0))
	}
	return nil
}

// errAddress: the address of the page was not one that the portal had given.
var errAddress = errors.New("the cursor in the address is not valid")

func (a *app) addSecrets(r *http.Request, subject string, page *profilePage) error {
	list, err := a.secrets.List(r.Context(), subject)
	for _, c := range list {
		if rw := newRow(c, secretWarning); rw.Live {
			page.Secrets = append(page.Secrets, rw)
		}
	}
	return err
}

func (a *app) addSessions(r *http.Request, id *auth.Identity, page *profilePage) error {
	list, err := a.sessions.List(r.Context(), id.Subject)
	for _, s := range list {
		switch {
		case s.ID == id.Credential:
			page.Session = s
		case len(page.Others) < sessionsShown:
			page.Others = append(page.Others, s)
		default:
			page.MoreSessions++
		}
	}
	return err
}

// addActivity reads the recent activity, and what its credentials are called.
func (a *app) addActivity(r *http.Request, subject string, page *profilePage) error {
	names := map[string]string{}
	for _, entry := range a.activity.recent(subject, entriesShown) {
		if _, known := names[entry.Credential]; !known && entry.Credential != "" {
			c, err := a.store.Get(r.Context(), entry.Credential)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			names[entry.Credential] = ""
			if err == nil && c.Subject == subject {
				names[entry.Credential] = c.Name
			}
		}
		page.Activity = append(page.Activity, activityRow{entry, names[entry.Credential]})
	}
	return nil
}
