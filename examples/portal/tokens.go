package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

const (
	maxName     = 255 // bytes
	minLifetime = time.Minute
	maxLifetime = 365 * 24 * time.Hour
)

// A tokenForm is the form for a new token, as it was filled in.
type tokenForm struct {
	Name     string
	Access   string // "all" that the account may, or "some" scopes
	Scopes   []scopeBox
	Lifetime string // one of lifetimes, or "custom"
	Amount   string // of Unit, where it is custom
	Unit     string // "minutes", "hours" or "days"

	Wrong map[string]string // by field: what is wrong with it
}

type scopeBox struct {
	scope
	Checked bool
}

// A choice is one of a list to choose from.
type choice struct {
	Value, Text string
	Duration    time.Duration
}

// Lifetimes are those that the form offers, besides custom ones.
func (tokenForm) Lifetimes() []choice {
	return []choice{
		{"1h", "1 hour", time.Hour},
		{"24h", "24 hours", 24 * time.Hour},
		{"30d", "30 days", 30 * 24 * time.Hour},
		{"1y", "1 year", maxLifetime},
	}
}

func newTokenForm(id *auth.Identity) tokenForm {
	f := tokenForm{Access: "all", Lifetime: "24h", Unit: "days", Scopes: []scopeBox{}}
	for _, s := range offered(id) {
		f.Scopes = append(f.Scopes, scopeBox{scope: s})
	}
	return f
}

// readTokenForm returns the form as it was sent, and the request that it makes
// unless something is wrong.
func readTokenForm(r *http.Request, id *auth.Identity) (tokenForm, bearer.Request) {
	f := newTokenForm(id)
	f.Wrong = map[string]string{}
	f.Name = strings.TrimSpace(r.PostFormValue("name"))
	f.Amount, f.Unit = r.PostFormValue("amount"), r.PostFormValue("unit")
	if v := r.PostFormValue("lifetime"); v != "" {
		f.Lifetime = v
	}
	req := bearer.Request{Subject: id.Subject, Name: f.Name}

	switch n := len(f.Name); {
	case n == 0:
		f.Wrong["name"] = "Give the token a name, so that you know later what uses it."
	case n > maxName:
		f.Wrong["name"] = fmt.Sprintf("The name is too long: it takes %d bytes, and %d are allowed. Letters other than A to Z take 2 to 4.", n, maxName)
	case !utf8.ValidString(f.Name) || strings.ContainsFunc(f.Name, unicode.IsControl):
		f.Wrong["name"] = "The name has characters that cannot be shown."
	}
	req.Scopes = f.readScopes(r)
	req.Lifetime = f.readLifetime()
	return f, req
}

// readScopes returns nil for all that the account may.
func (f *tokenForm) readScopes(r *http.Request) []string {
	chosen := r.PostForm["scope"]
	f.Access = r.PostFormValue("access")
	if f.Access != "some" && len(chosen) == 0 {
		f.Access = "all"
	}
	if f.Access == "all" {
		return nil
	}
	f.Access = "some"
	for i := range f.Scopes {
		f.Scopes[i].Checked = slices.Contains(chosen, f.Scopes[i].Name)
	}
	scopes := []string{}
	for _, name := range chosen {
		if !slices.ContainsFunc(f.Scopes, func(b scopeBox) bool { return b.Name == name }) {
			f.Wrong["scope"] = fmt.Sprintf("Your account does not have the scope %q, so a token cannot have it.", name)
		}
		scopes = append(scopes, name)
	}
	if len(scopes) == 0 {
		f.Wrong["scope"] = "Choose at least one scope, or all that your account may do."
	}
	return scopes
}

func (f *tokenForm) readLifetime() time.Duration {
	for _, c := range f.Lifetimes() {
		if c.Value == f.Lifetime {
			return c.Duration
		}
	}
	f.Lifetime = "custom"
	unit := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}[f.Unit]
	n, err := strconv.ParseInt(strings.TrimSpace(f.Amount), 10, 32)
	switch {
	case unit == 0:
		f.Unit = "days"
		f.Wrong["lifetime"] = "Choose minutes, hours or days."
	case err != nil && !errors.Is(err, strconv.ErrRange):
		f.Wrong["lifetime"] = "Write the lifetime as a whole number."
	case err != nil || n < int64(minLifetime/unit) || n > int64(maxLifetime/unit) || n < 1:
		f.Wrong["lifetime"] = "The lifetime must be from 1 minute to 365 days."
	}
	return time.Duration(n) * unit
}

func (a *app) createToken(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form, req := readTokenForm(r, id)
	again := func(field, why string) {
		if why != "" {
			form.Wrong[field] = why
		}
		a.showProfile(w, r, http.StatusUnprocessableEntity, profilePage{
			frame: frame{Error: "The token was not created. See what is wrong below."}, Form: form,
		})
	}
	if len(form.Wrong) > 0 {
		again("", "")
		return
	}
	plain, cred, err := a.tokens.Issue(r.Context(), req)
	switch {
	case errors.Is(err, store.ErrLimit):
		again("form", "You have as many tokens as an account may have. Revoke one that you do not need, then try again.")
	case errors.Is(err, bearer.ErrRequest):
		again("form", "The token cannot be made like this.")
	case err != nil:
		a.failed(w, r, err)
	default:
		a.showIssued(w, r, issuedPage{What: "token", Plaintext: plain.Reveal(), Credential: cred})
	}
}

type issuedPage struct {
	frame
	What      string // "token" or "client secret"
	Plaintext string
	*store.Credential
	Replaced *store.Credential // the one before, as it is now; nil if there was none
}

// showIssued shows a plaintext, in the answer to the form that asked for it: it
// is in no address, no cookie and no cache, and gone with the page.
func (a *app) showIssued(w http.ResponseWriter, r *http.Request, page issuedPage) {
	page.frame = a.frame(r, "profile", "Your new "+page.What)
	a.show(w, r, http.StatusOK, "issued.html", page)
}

// ownToken returns a token of whoever is signed in.
func (a *app) ownToken(r *http.Request) (*store.Credential, error) {
	return a.own(r, store.KindToken, r.PathValue("id"))
}

// own returns a credential of whoever is signed in. To others it does not exist.
func (a *app) own(r *http.Request, kind store.Kind, credential string) (*store.Credential, error) {
	id, _ := auth.FromContext(r.Context())
	c, err := a.store.Get(r.Context(), credential)
	if err == nil && (c.Subject != id.Subject || c.Kind != kind) {
		err = store.ErrNotFound
	}
	return c, err
}

func (a *app) askRefreshToken(w http.ResponseWriter, r *http.Request) {
	a.showRefresh(w, r, http.StatusOK, "0", "")
}

// showRefresh asks for how long the old token is to go on working.
func (a *app) showRefresh(w http.ResponseWriter, r *http.Request, status int, overlap, wrong string) {
	c, err := a.ownToken(r)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if !newRow(c, 0).Current {
		a.failed(w, r, store.ErrConflict)
		return
	}
	a.ask(w, r, status, askPage{
		frame: frame{Title: "Refresh a token", Error: wrong}, Credential: c,
		Text:     "A new token with the same name and scopes takes its place, and lives as long as this one was given. You see it once.",
		Overlaps: tokenOverlaps(), Overlap: overlap, Button: "Refresh token",
	})
}

func tokenOverlaps() []choice {
	return []choice{
		{"0", "End the old token now", 0},
		{"10m", "Keep it for 10 minutes", 10 * time.Minute},
		{"1h", "Keep it for 1 hour", time.Hour},
		{"24h", "Keep it for 24 hours", 24 * time.Hour},
	}
}

func (a *app) refreshToken(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	overlap, wrong, err := a.readOverlap(r, tokenOverlaps(), a.ownToken)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if wrong != "" {
		a.showRefresh(w, r, http.StatusUnprocessableEntity, r.PostFormValue("overlap"), wrong)
		return
	}
	plain, next, err := a.tokens.Rotate(r.Context(), id.Subject, r.PathValue("id"), overlap)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	old, err := a.ownToken(r)
	if err != nil {
		old = nil // the new one is what matters
	}
	a.showIssued(w, r, issuedPage{What: "token", Plaintext: plain.Reveal(), Credential: next, Replaced: old})
}

func (a *app) askRevokeToken(w http.ResponseWriter, r *http.Request) {
	c, err := a.ownToken(r)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.ask(w, r, http.StatusOK, askPage{
		frame: frame{Title: "Revoke a token"}, Credential: c,
		Text:   "Whatever uses this token is refused from its next request on. This cannot be undone.",
		Button: "Revoke token", Danger: true,
	})
}

func (a *app) revokeToken(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if err := a.tokens.Revoke(r.Context(), id.Subject, r.PathValue("id")); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/profile", "token-revoked", "#tokens")
}
