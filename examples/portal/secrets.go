package main

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

func (a *app) createSecret(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	plain, cred, err := a.secrets.Issue(r.Context(), secret.Request{Subject: id.Subject, Name: "portal"})
	switch {
	case errors.Is(err, store.ErrLimit):
		a.showProfile(w, r, http.StatusUnprocessableEntity, profilePage{
			SecretError: "You have as many client secrets as an account may have, or have created as many as it may within an hour. Revoke one that you do not need, or try again later.",
		})
	case err != nil:
		a.failed(w, r, err)
	default:
		a.showIssued(w, r, issuedPage{What: "client secret", Plaintext: plain.Reveal(), Credential: cred})
	}
}

// rotated returns the secret that a request to rotate is about: the one with the
// ID that it names, or else the newest that has no successor yet.
func (a *app) rotated(r *http.Request) (*store.Credential, error) {
	if id := r.FormValue("id"); id != "" {
		return a.own(r, store.KindSecret, id)
	}
	id, _ := auth.FromContext(r.Context())
	list, err := a.secrets.List(r.Context(), id.Subject)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if newRow(c, 0).Current {
			return c, nil
		}
	}
	return nil, store.ErrNotFound
}

func secretOverlaps() []choice {
	return []choice{
		{"0", "End the old secret now", 0},
		{"1h", "Keep it for 1 hour", time.Hour},
		{"24h", "Keep it for 24 hours", 24 * time.Hour},
		{"7d", "Keep it for 7 days", 7 * 24 * time.Hour},
	}
}

func (a *app) askRotateSecret(w http.ResponseWriter, r *http.Request) {
	a.showRotate(w, r, http.StatusOK, "24h", "")
}

func (a *app) showRotate(w http.ResponseWriter, r *http.Request, status int, overlap, wrong string) {
	c, err := a.rotated(r)
	if err == nil && !newRow(c, 0).Current {
		err = store.ErrConflict
	}
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.ask(w, r, status, askPage{
		frame: frame{Title: "Rotate the client secret", Error: wrong}, Credential: c,
		Text:     "A new secret with the same client ID takes its place. You see it once. Keep the old one for as long as your servers need to learn the new one.",
		Overlaps: secretOverlaps(), Overlap: overlap, Button: "Rotate secret", Action: "/profile/secret/rotate",
	})
}

func (a *app) rotateSecret(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	id, _ := auth.FromContext(r.Context())
	overlap, wrong, err := a.readOverlap(r, secretOverlaps(), a.rotated)
	if err == nil && wrong != "" {
		a.showRotate(w, r, http.StatusUnprocessableEntity, r.PostFormValue("overlap"), wrong)
		return
	}
	var old *store.Credential
	if err == nil {
		old, err = a.rotated(r)
	}
	if err != nil {
		a.failed(w, r, err)
		return
	}
	plain, next, err := a.secrets.Rotate(r.Context(), id.Subject, old.ID, overlap)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if old, err = a.own(r, store.KindSecret, old.ID); err != nil {
		old = nil // the new one is what matters
	}
	a.showIssued(w, r, issuedPage{What: "client secret", Plaintext: plain.Reveal(), Credential: next, Replaced: old})
}

func (a *app) askRevokeSecret(w http.ResponseWriter, r *http.Request) {
	c, err := a.own(r, store.KindSecret, r.PathValue("id"))
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.ask(w, r, http.StatusOK, askPage{
		frame: frame{Title: "Revoke a client secret"}, Credential: c,
		Text:   "No token can be had for this secret any more. Tokens that it was exchanged for live on. This cannot be undone.",
		Button: "Revoke secret", Danger: true, Action: "/profile/secret/" + url.PathEscape(c.ID) + "/revoke",
	})
}

func (a *app) revokeSecret(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if err := a.secrets.Revoke(r.Context(), id.Subject, r.PathValue("id")); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/profile", "secret-revoked", "#secret")
}
