package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

type adminPage struct {
	frame
	Accounts    []adminRow
	LeakedError string
}

type adminRow struct {
	Subject, Email string
	*auth.Account
	Sessions, Tokens int // that are live; at most 1000
	Self             bool
}

func (a *app) admin(w http.ResponseWriter, r *http.Request) {
	a.showAdmin(w, r, http.StatusOK, adminPage{})
}

func (a *app) showAdmin(w http.ResponseWriter, r *http.Request, status int, page adminPage) {
	wrong := page.Error
	page.frame = a.frame(r, "admin", "Administration")
	page.Error = wrong
	id, _ := auth.FromContext(r.Context())
	for _, of := range a.accounts.all {
		row, err := a.adminRow(r.Context(), of)
		if err != nil {
			a.failed(w, r, err)
			return
		}
		row.Self = of.subject == id.Subject
		page.Accounts = append(page.Accounts, row)
	}
	a.show(w, r, status, "admin.html", page)
}

func (a *app) adminRow(ctx context.Context, of account) (adminRow, error) {
	now, err := a.accounts.Account(ctx, of.subject)
	if err != nil {
		return adminRow{}, err
	}
	sessions, err := a.sessions.List(ctx, of.subject)
	if err != nil {
		return adminRow{}, err
	}
	tokens, _, err := a.store.List(ctx, store.Query{Kind: store.KindToken, Subject: of.subject, ClientID: store.AnyClient, Active: true, Limit: 1000})
	return adminRow{Subject: of.subject, Email: of.email, Account: now, Sessions: len(sessions), Tokens: len(tokens)}, err
}

// administered returns the account that a request is about. If there is none, it
// answers.
func (a *app) administered(w http.ResponseWriter, r *http.Request) (account, bool) {
	now, err := a.accounts.Account(r.Context(), r.PathValue("subject"))
	if errors.Is(err, auth.ErrUnknownAccount) {
		a.fail(w, r, http.StatusNotFound, "There is no such account.")
		return account{}, false
	} else if err != nil {
		a.failed(w, r, err)
		return account{}, false
	}
	return now.User.(account), true
}

func (a *app) askDisable(w http.ResponseWriter, r *http.Request) {
	if of, ok := a.administered(w, r); ok {
		a.ask(w, r, http.StatusOK, askPage{
			frame: frame{Title: "Disable an account"}, Account: of.email,
			Text:   "Its sessions, tokens and client secrets are refused from the next request on, until it is enabled again.",
			Button: "Disable account", Danger: true,
		})
	}
}

func (a *app) disable(w http.ResponseWriter, r *http.Request) {
	of, ok := a.administered(w, r)
	if !ok {
		return
	}
	if id, _ := auth.FromContext(r.Context()); of.subject == id.Subject {
		a.showAdmin(w, r, http.StatusUnprocessableEntity, adminPage{frame: frame{Error: "You cannot disable your own account: nobody would be left to enable it."}})
		return
	}
	a.accounts.setDisabled(of.subject, true)
	done(w, r, "/admin", "disabled", "")
}

func (a *app) enable(w http.ResponseWriter, r *http.Request) {
	if of, ok := a.administered(w, r); ok {
		a.accounts.setDisabled(of.subject, false)
		done(w, r, "/admin", "enabled", "")
	}
}

func (a *app) askSignOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if of, ok := a.administered(w, r); ok {
		a.ask(w, r, http.StatusOK, askPage{
			frame: frame{Title: "Sign out everywhere"}, Account: of.email,
			Text: "All of the account's sessions end. It can sign in again.",
			Void: true, Button: "Sign out everywhere", Danger: true,
		})
	}
}

// signOutEverywhere ends the sessions, which are in the store, and on demand has
// everything else refused that the account was issued until now.
func (a *app) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	of, ok := a.administered(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	notice := "signed-out"
	if r.PostFormValue("void") != "" {
		notice = "voided"
		a.accounts.voidIssued(of.subject, time.Now())
	}
	if _, err := a.sessions.RevokeAll(r.Context(), of.subject, ""); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/admin", notice, "")
}

// revokeLeaked revokes what somebody has found in the open. It is not shown
// again, also where it was mistyped: it may be a live credential.
func (a *app) revokeLeaked(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	value := strings.TrimSpace(r.PostFormValue("leaked"))
	err := a.tokens.RevokeLeaked(r.Context(), value)
	if errors.Is(err, store.ErrNotFound) {
		err = a.secrets.RevokeLeaked(r.Context(), value)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		a.showAdmin(w, r, http.StatusUnprocessableEntity, adminPage{
			LeakedError: "That is no token and no client secret of this portal. Paste the whole value, from its prefix to its end.",
		})
	case err != nil:
		a.failed(w, r, err)
	default:
		done(w, r, "/admin", "leaked-revoked", "")
	}
}
