package bearer_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// The identity that a Guard has made may be old when it is exchanged: the
// request may have waited for its body. M8, R1, R9
func TestExchangeLooksAtTheSecretAgain(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, secrets *secret.Secrets, id *auth.Identity){
		"revoked": func(t *testing.T, secrets *secret.Secrets, id *auth.Identity) {
			if err := secrets.Revoke(t.Context(), id.Subject, id.Credential); err != nil {
				t.Fatal(err)
			}
		},
		"rotated": func(t *testing.T, secrets *secret.Secrets, id *auth.Identity) {
			if _, _, err := secrets.Rotate(t.Context(), id.Subject, id.Credential, 0); err != nil {
				t.Fatal(err)
			}
		},
		"expired": func(*testing.T, *secret.Secrets, *auth.Identity) { time.Sleep(time.Hour) }, // of the bubble
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := store.NewMemory()
				secrets, tokens := newSecrets(t, st), newTokens(t, bearer.Config{Store: st})
				from := authenticated(t, secrets, secret.Request{Lifetime: time.Hour})
				end(t, secrets, from)
				_, c, err := tokens.Exchange(t.Context(), from, bearer.Request{})
				if !errors.Is(err, auth.ErrInvalidCredentials) || c != nil {
					t.Errorf("Exchange = %v, %v, want invalid credentials", c, err)
				}
				if list, err := tokens.List(t.Context(), "ada"); len(list) > 0 || err != nil {
					t.Errorf("List = %v, %v, want none", list, err)
				}
			})
		})
	}
}

// revoking is a store in which the secret is revoked while the token is stored.
type revoking struct {
	*store.Memory
	secret string
}

func (s revoking) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	ended, err := s.Memory.Insert(ctx, c, l)
	if err != nil {
		return ended, err
	}
	_, err = s.Memory.Revoke(ctx, store.Filter{ID: s.secret}, time.Now())
	return ended, err
}

// A revocation of the secret that comes while the token is stored ends the token
// too. R1
func TestExchangeWhileTheSecretIsRevoked(t *testing.T) {
	st := store.NewMemory()
	from := authenticated(t, newSecrets(t, st), secret.Request{})
	tokens := newTokens(t, bearer.Config{Store: revoking{st, from.Credential}})
	if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{}); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("Exchange: %v, want invalid credentials", err)
	}
	list, err := tokens.ListExchanged(t.Context(), "ada", from.Client)
	if err != nil || len(list) != 1 || list[0].RevokedAt.IsZero() {
		t.Errorf("List = %v, %v, want one token, revoked", list, err)
	}
}

// A token is bound to networks if its secret is. B7, R9
func TestExchangeNetworks(t *testing.T) {
	networks := func(ns ...string) (list []netip.Prefix) {
		for _, n := range ns {
			list = append(list, netip.MustParsePrefix(n))
		}
		return list
	}
	for _, tt := range []struct {
		name             string
		secret, ask, got []netip.Prefix
		want             error
	}{
		{"neither", nil, nil, nil, nil},
		{"inherited", networks("10.0.0.0/8"), nil, networks("10.0.0.0/8"), nil},
		{"narrower", networks("10.0.0.0/8"), networks("10.1.0.0/16"), networks("10.1.0.0/16"), nil},
		{"within one of several", networks("10.0.0.0/8", "192.0.2.0/24"), networks("192.0.2.7/32"), networks("192.0.2.7/32"), nil},
		{"the token's own", nil, networks("10.0.0.0/8"), networks("10.0.0.0/8"), nil},
		{"wider", networks("10.1.0.0/16"), networks("10.0.0.0/8"), nil, auth.ErrInsufficientScope},
		{"elsewhere", networks("10.0.0.0/8"), networks("192.0.2.0/24"), nil, auth.ErrInsufficientScope},
		{"one of two elsewhere", networks("10.0.0.0/8"), networks("10.1.0.0/16", "192.0.2.0/24"), nil, auth.ErrInsufficientScope},
		{"another family", networks("10.0.0.0/8"), networks("::/0"), nil, auth.ErrInsufficientScope},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := store.NewMemory()
			secrets, tokens := newSecrets(t, st), newTokens(t, bearer.Config{Store: st})
			_, c, err := secrets.Issue(t.Context(), secret.Request{Subject: "ada", Networks: tt.secret})
			if err != nil {
				t.Fatal(err)
			}
			from := &auth.Identity{Subject: "ada", Scheme: "Secret", Credential: c.ID}
			_, token, err := tokens.Exchange(t.Context(), from, bearer.Request{Networks: tt.ask})
			if !errors.Is(err, tt.want) {
				t.Fatalf("Exchange: %v, want %v", err, tt.want)
			}
			if err == nil && !slices.Equal(token.Networks, tt.got) {
				t.Errorf("networks %v, want %v", token.Networks, tt.got)
			}
		})
	}
}
