// Package endpoint serves OAuth 2.0 to programs: a client exchanges its secret
// for an access token (RFC 6749 section 4.4), asks what a token may do (RFC
// 7662), and revokes one (RFC 7009).
//
//	st := store.NewMemory()
//	tokens, err := bearer.New(bearer.Config{Store: st})
//	if err != nil {
//		log.Fatal(err)
//	}
//	secrets, err := secret.New(secret.Config{Store: st})
//	if err != nil {
//		log.Fatal(err)
//	}
//	server, err := endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets, Accounts: accounts{}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.HandleFunc("/oauth/token", server.Token)
//	mux.HandleFunc("/oauth/introspect", server.Introspect)
//	mux.HandleFunc("/oauth/revoke", server.Revoke)
//
// A client is the rotation chain of a secret: its ID is the secret's Family, and
// stays the same when the secret is rotated. It authenticates itself in one of
// these ways, and a request that uses two is refused:
//
//   - "Authorization: Secret" with the secret;
//   - "Authorization: Basic" with ID and secret, client_secret_basic of RFC 6749
//     section 2.3.1;
//   - client_id and client_secret in a form, client_secret_post;
//   - the member Secret of the JSON that [Server.Token] takes.
//
// The handlers answer every method but POST with 405, so mount them without one,
// and behind TLS, as secrets and tokens pass through them (RFC 6749 section 3.2).
// Bodies have at most 64 KiB, and the URL no query: what is in a URL ends up in
// logs. Every answer carries "Cache-Control: no-store".
//
// Refusals are those of RFC 6749 section 5.2, and nothing of the request comes
// back in them. Whether a client is unknown, its secret wrong,
// expired or revoked, or its account disabled is told to [Config.Observe]
// alone. Where a store or Accounts does not answer, the status is 503 with
// Retry-After, and the body a problem (RFC 9457) as an [auth.Guard] writes it:
// section 5.2 has no code for that, and the client is not to blame.
package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

const defaultLifetime = 24 * time.Hour

// Config configures a [Server]. Only Tokens and Secrets are required.
type Config struct {
	_ [0]func()

	// Tokens issues the tokens, and Secrets authenticates the clients. They
	// must have the same store.
	Tokens  *bearer.Tokens
	Secrets *secret.Secrets

	// Accounts, if set, is asked for the account of every client, and of
	// every token that is inspected: if it is disabled or unknown, or its
	// NotBefore is later than the secret or the token, that counts as
	// invalid. It should be the one of the host's guards.
	Accounts auth.Accounts

	// MinLifetime and MaxLifetime are how short- and long-lived a token a
	// client may ask for, in whole seconds. The defaults, and the widest that
	// there is, are one minute and 365 days.
	MinLifetime, MaxLifetime time.Duration

	// DefaultLifetime is that of a token whose client asks for none, as forms
	// cannot. It is whole seconds within the bounds above. The default is 24
	// hours or, where they exclude it, the nearer bound. Where MaxLifetimeFor
	// is less, that counts.
	DefaultLifetime time.Duration

	// MaxLifetimeFor, if set, returns a further upper bound for one client, 0
	// for none, rounded down to seconds. What is less than MinLifetime lets the client have no tokens.
	// An error is an outage.
	MaxLifetimeFor func(ctx context.Context, client *auth.Identity) (time.Duration, error)

	// MayInspect and MayRevoke report whether a client may inspect or revoke a
	// token. If not, it is told what it would be told of an unknown one. By
	// default a client may do both with the tokens of its own account. They
	// are called concurrently and must not modify what they are given.
	//
	// A resource server that inspects everybody's tokens is let in by
	// its client.Client, and clients are confined to what they were issued
	// themselves by comparing client.Client with token.ClientID.
	MayInspect, MayRevoke func(ctx context.Context, client *auth.Identity, token *store.Credential) bool

	// Observe, if set, is told of every client that was authenticated or
	// refused, of every token that was inspected, as if it had been
	// presented here, and of outages. Tokens and Secrets have their own. It
	// is called concurrently and should be quick.
	Observe func(ctx context.Context, ev auth.Event)
}

// A Server serves the endpoints of an authorization server, with a handler for
// each. Make it with [New]; the zero Server answers everything with 503. It is
// safe for concurrent use.
type Server struct {
	cfg Config

	clients *auth.Guard // checks clients
	bearers *auth.Guard // checks tokens that are inspected

	challenges []string // of a 401
}

// New returns a [Server] for cfg, which it copies. The error names everything
// that is wrong with cfg at once.
func New(cfg Config) (*Server, error) {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf("endpoint: Config."+format, a...)) }

	cfg.MinLifetime = cmp.Or(cfg.MinLifetime, credential.MinLifetime)
	cfg.MaxLifetime = cmp.Or(cfg.MaxLifetime, credential.MaxLifetime)
	cfg.DefaultLifetime = cmp.Or(cfg.DefaultLifetime, max(cfg.MinLifetime, min(cfg.MaxLifetime, defaultLifetime)))
	bound := func(field string, d, low, high time.Duration) {
		if d < low || d > high || d%time.Second != 0 {
			fail("%s: %v: must be whole seconds from %v to %v", field, d, low, high)
		}
	}
	bound("MinLifetime", cfg.MinLifetime, credential.MinLifetime, credential.MaxLifetime)
	bound("MaxLifetime", cfg.MaxLifetime, credential.MinLifetime, credential.MaxLifetime)
	if cfg.MinLifetime > cfg.MaxLifetime {
		fail("MinLifetime: %v: must not exceed MaxLifetime, %v", cfg.MinLifetime, cfg.MaxLifetime)
	} else {
		bound("DefaultLifetime", cfg.DefaultLifetime, cfg.MinLifetime, cfg.MaxLifetime)
	}
	if cfg.MayInspect == nil {
		cfg.MayInspect = ownAccount
	}
	if cfg.MayRevoke == nil {
		cfg.MayRevoke = ownAccount
	}
	if cfg.Tokens == nil || *cfg.Tokens == (bearer.Tokens{}) {
		fail("Tokens: nil or zero: bearer.New makes them")
	}
	if cfg.Secrets == nil || *cfg.Secrets == (secret.Secrets{}) {
		fail("Secrets: nil or zero: secret.New makes them")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	guard := func(a auth.Authenticator) *auth.Guard {
		g, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{a}, Accounts: cfg.Accounts, Observe: cfg.Observe})
		if err != nil {
			errs = append(errs, fmt.Errorf("endpoint: %w", err))
		}
		return g
	}
	s := &Server{cfg: cfg, clients: guard(cfg.Secrets), bearers: guard(cfg.Tokens)}
	if len(errs) > 0 {
		return nil, errs[0] // the same for both
	}
	ours := cfg.Secrets.Challenge(auth.ErrNoCredentials, nil)
	basic := auth.Challenge{Scheme: "Basic", Params: ours.Params}
	s.challenges = []string{basic.String(), ours.String()}
	return s, nil
}

// ownAccount lets a client do what it may with the tokens of its own account.
func ownAccount(_ context.Context, client *auth.Identity, token *store.Credential) bool {
	return client.Subject == token.Subject
}
