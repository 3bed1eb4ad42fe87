package bearer

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"slices"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
)

// A Verifier verifies one form of bearer token. Its error is
// [auth.ErrNoCredentials] if the token is not of that form, wraps
// [auth.ErrInvalidCredentials] if it is and must be refused, and is an outage
// otherwise. The identity may be shared between requests. It is called
// concurrently.
type Verifier interface {
	Verify(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error)
}

// A VerifierFunc is a function that is a [Verifier].
type VerifierFunc func(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error)

// Verify calls f.
func (f VerifierFunc) Verify(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error) {
	if f == nil {
		return nil, errors.New("bearer: nil VerifierFunc")
	}
	return f(ctx, token, addr)
}

// Chain accepts several forms of bearer token on one endpoint, such as [Tokens]
// and the JWTs of an issuer. The verifiers are asked in order; the first that
// does not answer [auth.ErrNoCredentials] decides, and if all answer that, the
// token is invalid. The address they get is that of the connection; [Tokens]
// follows its own TrustedProxies. The challenge is that of the first verifier
// that is an [auth.Challenger], as Tokens are; without one the realm is "api".
//
// It panics if there are no verifiers, or one is nil or zero [Tokens].
func Chain(verifiers ...Verifier) auth.Authenticator {
	if len(verifiers) == 0 {
		panic("bearer: Chain: no verifiers")
	}
	for _, v := range verifiers {
		if r := reflect.ValueOf(v); !r.IsValid() || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil() {
			panic("bearer: Chain: nil verifier")
		}
		if t, ok := v.(*Tokens); ok && t.m == nil {
			panic("bearer: Chain: the Tokens were not made by New")
		}
	}
	return chain(slices.Clone(verifiers))
}

type chain []Verifier

func (c chain) Authenticate(r *http.Request) (*auth.Identity, error) {
	token, err := auth.HeaderCredentials(r.Header, scheme)
	if err != nil {
		return nil, err
	}
	for _, v := range c {
		id, err := verify(v, r, token)
		if !errors.Is(err, auth.ErrNoCredentials) || errors.Is(err, auth.ErrInvalidCredentials) {
			return id, err
		}
	}
	return nil, auth.ErrInvalidCredentials
}

func verify(v Verifier, r *http.Request, token string) (*auth.Identity, error) {
	if t, ok := v.(*Tokens); ok {
		c, err := t.made().Valid(r, token)
		if err != nil {
			return nil, err
		}
		id := credential.IdentityOf(c)
		return &id, nil
	}
	return v.Verify(r.Context(), token, credential.PeerAddr(r))
}

// Challenge answers for the first verifier that is a Challenger.
func (c chain) Challenge(reason error, scopes []string) auth.Challenge {
	for _, v := range c {
		if v, ok := v.(auth.Challenger); ok {
			return v.Challenge(reason, scopes)
		}
	}
	return credential.Challenge(scheme, defaultRealm, reason, scopes)
}
