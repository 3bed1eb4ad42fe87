package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"github.com/keystile/keystile/auth"
)

// A verifier is a bearer.Verifier for the JWTs of one issuer, on golang-jwt,
// whose errors say what was wrong, and jwkset, which drops the keys that the
// issuer has withdrawn and bounds how often it is asked for new ones.
type verifier struct {
	parser *jwt.Parser
	keys   jwkset.Storage
}

// errKeys marks errors that are no fault of the JWT.
var errKeys = errors.New("jwt: the issuer's keys")

// A failedKey is the context's key of where a failed fetch is noted. What jwkset
// cannot fetch, it does not find.
type failedKey struct{}

// newVerifier fetches the keys now, every ten minutes until ctx is done, and when
// a JWT names one that is not known: ten times at once, then once a second.
func newVerifier(ctx context.Context, issuer, jwks, audience string) (*verifier, error) {
	remote, err := jwkset.NewStorageFromHTTP(jwks, jwkset.HTTPClientStorageOptions{
		Ctx:                       ctx,
		HTTPTimeout:               5 * time.Second,
		NoErrorReturnFirstHTTPReq: true,
		RefreshInterval:           10 * time.Minute,
		RefreshErrorHandler: func(ctx context.Context, err error) {
			log.Printf("jwt: fetch %q: %v", jwks, err)
			if failed, ok := ctx.Value(failedKey{}).(*error); ok {
				*failed = err
			}
		},
	})
	if err != nil {
		return nil, err
	}
	keys, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs:          map[string]jwkset.Storage{jwks: remote},
		RefreshUnknownKID: rate.NewLimiter(rate.Every(time.Second), 10),
		RateLimitWaitMax:  5 * time.Second, // the fetch included
	})
	if err != nil {
		return nil, err
	}
	return &verifier{keys: keys, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "PS256", "ES256", "EdDSA"}), // none whose key is a secret
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
	)}, nil
}

// Verify implements bearer.Verifier.
func (v *verifier) Verify(ctx context.Context, token string, _ netip.Addr) (*auth.Identity, error) {
	var claims struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"` // RFC 9068 section 2.2.3; some issuers have scp or roles instead
	}
	_, err := v.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, auth.ErrNoCredentials
	case errors.Is(err, errKeys):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", auth.ErrInvalidCredentials, err)
	case claims.Subject == "":
		return nil, fmt.Errorf("%w: the JWT has no subject", auth.ErrInvalidCredentials)
	}
	id := &auth.Identity{
		Subject:    claims.Subject,
		Scheme:     "Bearer",
		Credential: claims.ID,
		ExpiresAt:  claims.ExpiresAt.Time,
	}
	if claims.IssuedAt != nil {
		id.IssuedAt = claims.IssuedAt.Time
	}
	// All that an account may do is not the issuer's to give.
	id.Scopes = slices.DeleteFunc(strings.Fields(claims.Scope), func(s string) bool { return s == auth.AllScopes })
	return id, nil
}

// key returns the key that t says it was signed with.
func (v *verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	kid, ok := t.Header["kid"].(string)
	if !ok {
		return nil, errors.New("the JWT names no key")
	}
	var failed error
	k, err := v.keys.KeyRead(context.WithValue(ctx, failedKey{}, &failed), kid)
	switch {
	case failed != nil:
		return nil, fmt.Errorf("%w: %w", errKeys, failed)
	case errors.Is(err, jwkset.ErrKeyNotFound):
		return nil, err
	case err != nil: // fetched too often: nobody knows whether there is a new one
		return nil, fmt.Errorf("%w: %w", errKeys, err)
	}
	if alg := k.Marshal().ALG.String(); alg != "" && alg != t.Method.Alg() {
		return nil, fmt.Errorf("the key is for %s", alg)
	}
	return k.Key(), nil
}
