// Package guardian moves a service from the tokens of
// github.com/shaj13/go-guardian/v2 to package bearer, while both kinds work.
package guardian

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	guardian "github.com/shaj13/go-guardian/v2/auth"
	"github.com/shaj13/go-guardian/v2/auth/strategies/token"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

// ErrUnknown is what the service's token.AuthenticateFunc answers for a token
// that is not in its table. All that it answered became 401 so far; now it
// has to tell that there is no such token from not knowing.
var ErrUnknown = errors.New("unknown token")

// Legacy verifies the tokens that the service has made so far. They have no form
// of their own, so it takes every token: it is the last in a Chain.
type Legacy struct{ Strategy guardian.Strategy }

// Verify implements bearer.Verifier.
func (l Legacy) Verify(ctx context.Context, plaintext string, _ netip.Addr) (*auth.Identity, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+plaintext)
	info, err := l.Strategy.Authenticate(ctx, r)
	for _, refusal := range []error{ErrUnknown, token.ErrTokenNotFound, token.ErrInvalidToken, token.ErrNOOP} {
		if errors.Is(err, refusal) {
			return nil, fmt.Errorf("%w: go-guardian: %w", auth.ErrInvalidCredentials, err)
		}
	}
	if err != nil {
		return nil, err // an outage: 503
	}
	// The user's ID is what everything else is filed under; names can change.
	return &auth.Identity{Subject: info.GetID(), Scheme: "go-guardian", Scopes: []string{auth.AllScopes}}, nil
}

// During is the service while both kinds of token work.
func During(old Legacy, tokens *bearer.Tokens, issue http.Handler, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{bearer.Chain(tokens, old)},
		Observe:        observe,
	})
	if err != nil {
		return nil, err
	}
	return routes(guard.Require(), issue), nil
}

// Issue makes new tokens.
func Issue(tokens *bearer.Tokens) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		plain, _, err := tokens.Issue(r.Context(), bearer.Request{
			Subject: id.Subject,
			Name:    r.PostFormValue("name"),
			Scopes:  id.Scopes, // no more than the token that asks
		})
		if err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, plain.Reveal())
	})
}
