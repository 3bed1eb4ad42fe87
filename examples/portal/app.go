package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// An app is the portal without its server.
type app struct {
	accounts accounts
	reports  reports
	tokens   *bearer.Tokens
	secrets  *secret.Secrets

	api     *auth.Guard // for the API: tokens
	clients *auth.Guard // for the endpoints that issue tokens: client secrets
}

// newApp wires the portal. Both schemes and both guards report to one log.
func newApp(st store.Store, log *slog.Logger) (*app, error) {
	observe := func(ctx context.Context, ev auth.Event) { log.InfoContext(ctx, "auth", "event", ev) }
	a := &app{accounts: demoAccounts}
	var err error
	if a.tokens, err = bearer.New(bearer.Config{Store: st, Realm: "portal", Observe: observe}); err != nil {
		return nil, err
	}
	if a.secrets, err = secret.New(secret.Config{Store: st, Realm: "portal", Observe: observe}); err != nil {
		return nil, err
	}
	guard := func(authenticators ...auth.Authenticator) (*auth.Guard, error) {
		return auth.New(auth.Config{Authenticators: authenticators, Accounts: a.accounts, Observe: observe})
	}
	if a.api, err = guard(a.tokens); err != nil {
		return nil, err
	}
	if a.clients, err = guard(a.secrets); err != nil {
		return nil, err
	}
	return a, nil
}

// routes returns the handler of the whole portal.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/whoami", a.api.Require()(http.HandlerFunc(a.whoami)))
	mux.Handle("GET /api/reports", a.api.Require("reports:read")(http.HandlerFunc(a.listReports)))
	mux.Handle("POST /api/reports", a.api.Require("reports:write")(http.HandlerFunc(a.addReport)))
	mux.HandleFunc("POST /api/security/tokens/generate", a.generateToken)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /{$}", index)
	return mux
}

func index(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `The keystile portal.

GET  /api/whoami                     who is calling            Authorization: Bearer
GET  /api/reports                    scope reports:read        Authorization: Bearer
POST /api/reports                    scope reports:write       Authorization: Bearer
POST /api/security/tokens/generate   a token for a secret      Authorization: Secret
GET  /healthz                        is it up

The program that serves this page has printed requests to try.
`)
}
