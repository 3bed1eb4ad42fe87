package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

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
		again("form", "You have as many tokens as an account may have, or have created as many as it may within an hour. Revoke one that you do not need, or try again later.")
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
		Text:   "Programs that use this token are refused from their next request on. So are those that use a token which it has replaced, or which has replaced it. This cannot be undone.",
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
