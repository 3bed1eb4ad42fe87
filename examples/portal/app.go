package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// An app is the portal without its server.
type app struct {
	accounts *accounts
	kept     *keep
	store    store.Store
	reports  reports
	activity activity
	throttle throttle
	tokens   *bearer.Tokens
	secrets  *secret.Secrets
	sessions *cookie.Sessions

	api   *auth.Guard // for the API: tokens and sessions
	pages *auth.Guard // for the pages: sessions

	oauth    *endpoint.Server // for servers: client secrets
	metadata http.Handler

	log       *slog.Logger
	passwords []string // of the accounts, for the demo to print
}

// newApp wires the portal, which is reached at url. All schemes and guards
// report to one log.
func newApp(st *keep, url string, log *slog.Logger) (*app, error) {
	a := &app{log: log, kept: st, store: st}
	observe := func(ctx context.Context, ev auth.Event) {
		level := slog.LevelInfo
		if ev.Outage() {
			level = slog.LevelError
		}
		log.Log(ctx, level, "auth", "event", ev)
		a.activity.observe(ctx, ev)
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
	guard(&a.pages, auth.Config{Authenticators: []auth.Authenticator{a.sessions}, Refuse: a.refusePage})
	if err != nil {
		return nil, err
	}
	a.oauth, err = endpoint.New(endpoint.Config{Tokens: a.tokens, Secrets: a.secrets, Accounts: a.accounts, Observe: observe})
	if err != nil {
		return nil, err
	}
	a.metadata, err = endpoint.Metadata(endpoint.MetadataConfig{
		Issuer:                url,
		TokenEndpoint:         url + "/oauth/token",
		IntrospectionEndpoint: url + "/oauth/introspect",
		RevocationEndpoint:    url + "/oauth/revoke",
	})
	if err != nil { // for another machine, without TLS
		log.Warn("metadata is not served", "err", err)
		a.metadata = http.NotFoundHandler()
	}
	return a, nil
}

// routes returns the handler of the whole portal.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/whoami", a.api.Require()(http.HandlerFunc(a.whoami)))
	mux.Handle("GET /api/reports", a.api.Require("reports:read")(http.HandlerFunc(a.listReports)))
	mux.Handle("POST /api/reports", a.api.Require("reports:write")(http.HandlerFunc(a.addReport)))
	mux.HandleFunc("/api/security/tokens/generate", a.oauth.Token)
	mux.HandleFunc("/oauth/token", a.oauth.Token)
	mux.HandleFunc("/oauth/introspect", a.oauth.Introspect)
	mux.HandleFunc("/oauth/revoke", a.oauth.Revoke)
	mux.Handle("/.well-known/oauth-authorization-server", a.metadata)
	mux.Handle("GET /healthz", operations.Health(a.kept.Store))
	a.site(mux)
	return hardened(mux)
}
