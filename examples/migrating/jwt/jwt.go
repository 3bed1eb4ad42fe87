// Package jwt moves a service from access tokens that it makes with
// github.com/golang-jwt/jwt/v5 to package bearer, while both kinds work.
package jwt

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

const (
	issuer   = "https://api.example.com"
	audience = "api"
)

// Claims are those of the tokens that the service has made so far.
type Claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// Legacy verifies them.
type Legacy struct {
	Key []byte

	// Revoked asks the list of revoked tokens.
	Revoked func(ctx context.Context, id string) (bool, error)
}

// Verify implements bearer.Verifier.
func (l Legacy) Verify(ctx context.Context, plaintext string, _ netip.Addr) (*auth.Identity, error) {
	if strings.Count(plaintext, ".") != 2 {
		return nil, auth.ErrNoCredentials // not of this form; keystile's have no dot
	}
	claims, err := l.parse(plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w: jwt: %w", auth.ErrInvalidCredentials, err)
	}
	revoked, err := l.Revoked(ctx, claims.ID)
	switch {
	case err != nil:
		return nil, err // an outage: 503
	case revoked || claims.Subject == "":
		return nil, fmt.Errorf("%w: jwt: revoked, or nobody's", auth.ErrInvalidCredentials)
	}
	id := &auth.Identity{
		Subject: claims.Subject, Scheme: "JWT", Credential: claims.ID,
		Scopes:    strings.Fields(claims.Scope), // none: nothing
		ExpiresAt: claims.ExpiresAt.Time,
	}
	if claims.IssuedAt != nil {
		id.IssuedAt = claims.IssuedAt.Time
	}
	return id, nil
}

func (l Legacy) parse(plaintext string) (*Claims, error) {
	claims := new(Claims)
	// The key is at hand, so no error of this is an outage. One that is fetched
	// would need an error of its own for that.
	_, err := jwt.ParseWithClaims(plaintext, claims, func(*jwt.Token) (any, error) { return l.Key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired())
	return claims, err
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
	return routes(guard.Require("reports:read"), guard.Require(), issue), nil
}

// Issue makes new tokens.
func Issue(tokens *bearer.Tokens) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		plain, _, err := tokens.Issue(r.Context(), bearer.Request{
			Subject:  id.Subject,
			Name:     r.PostFormValue("name"),
			Scopes:   id.Scopes, // no more than the token that asks
			Lifetime: time.Hour, // as the JWTs
		})
		if err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, plain.Reveal())
	})
}
