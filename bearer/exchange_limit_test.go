package bearer_test

import (
	"errors"
	"testing"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// R15: what one client exchanges uses up neither the limits of its account nor those
// of other clients.
func TestLimitsPerClient(t *testing.T) {
	for name, cfg := range map[string]bearer.Config{
		"Limit":       {Limit: 2},
		"HourlyLimit": {HourlyLimit: 2},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Store = store.NewMemory()
			tokens := newTokens(t, cfg)
			secrets := newSecrets(t, cfg.Store)
			for range 2 { // each client has its own
				from := authenticated(t, secrets, secret.Request{})
				for range 2 {
					if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{}); err != nil {
						t.Error(err)
					}
				}
				if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{}); !errors.Is(err, store.ErrLimit) {
					t.Errorf("Exchange: %v, want the limit", err)
				}
			}
			for range 2 {
				issue(t, tokens, bearer.Request{Subject: "ada"})
			}
			if _, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"}); !errors.Is(err, store.ErrLimit) {
				t.Errorf("Issue: %v, want the limit", err)
			}
		})
	}
}
