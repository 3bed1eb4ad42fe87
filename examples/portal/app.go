package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
)

// An app is the portal without its server.
type app struct {
	accounts accounts
	reports  reports
	tokens   *bearer.Tokens
	secrets  *secret.Secrets
	sessions *cookie.Sessions

	api     *auth.Guard // for the API: tokens and sessions
	pages   *auth.Guard // for the pages: sessions
	clients *auth.Guard // for the endpoints that issue tokens: client secrets

	log       *slog.Logger
	passwords []string // of the accounts, for the demo to print
}

// newApp wires the portal. All schemes and guards report to one log.
func newApp(st *keep, log *slog.Logger) (*app, error) {
	a := &app{log: log}
	observe := func(ctx context.Context, ev auth.Event) {
		level := slog.LevelInfo
		if ev.Outage() {
			level = slog.LevelError
		}
		log.Log(ctx, level, "auth", "event", ev)
	}
	a.accounts, a.passwords = demoAccounts(st.key)
	var err error
	if a.tokens, err = bearer.New(bearer.Config{Store: st, Realm: "portal", Observe: observe}); err != nil {
		return nil, err
	}
	if a.secrets, err = secret.New(secret.Config{Store: st, Realm: "portal", Observe: observe}); err != nil {
		return nil, err
	}
	if a.sessions, err = cookie.New(cookie.Config{Keys: []cookie.Key{st.key}, Store: st, Realm: "portal", Observe: observe}); err != nil {
		return nil, err
	}
	guard := func(g **auth.Guard, cfg auth.Config) {
		cfg.Accounts, cfg.Observe = a.accounts, observe
		var failed error
		*g, failed = auth.New(cfg)
		err = errors.Join(err, failed)
	}
	guard(&a.api, auth.Config{Authenticators: []auth.Authenticator{a.tokens, a.sessions}})
	guard(&a.pages, auth.Config{Authenticators: []auth.Authenticator{a.sessions}, Refuse: refusePage})
	guard(&a.clients, auth.Config{Authenticators: []auth.Authenticator{a.secrets}})
	return a, err
}

// routes returns the handler of the whole portal.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/whoami", a.api.Require()(http.HandlerFunc(a.whoami)))
	mux.Handle("GET /api/reports", a.api.Require("reports:read")(http.HandlerFunc(a.listReports)))
	mux.Handle("POST /api/reports", a.api.Require("reports:write")(http.HandlerFunc(a.addReport)))
	mux.HandleFunc("POST /api/security/tokens/generate", a.generateToken)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /login", loginForm)
	mux.Handle("POST /login", a.sessions.Protect(http.HandlerFunc(a.login)))
	mux.Handle("POST /logout", a.sessions.Protect(http.HandlerFunc(a.logout)))
	mux.Handle("GET /profile", a.pages.Require()(http.HandlerFunc(a.profile)))
	mux.Handle("POST /profile/sessions/{id}/revoke", a.pages.Require()(http.HandlerFunc(a.revokeSession)))
	mux.Handle("POST /profile/sessions/revoke-others", a.pages.Require()(http.HandlerFunc(a.revokeOtherSessions)))
	mux.HandleFunc("GET /style.css", style)
	mux.Handle("GET /{$}", http.RedirectHandler("/profile", http.StatusSeeOther))
	return mux
}
