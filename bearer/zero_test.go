package bearer_test

import (
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/zero"
)

// B8: Tokens that New has not made say so.
func TestZeroTokens(t *testing.T) {
	zero.Refuses(t, "the Tokens were not made by New", []string{"Challenge", "Itself"}, new(bearer.Tokens), (*bearer.Tokens)(nil))

	_, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{new(bearer.Tokens)}})
	if err == nil || !strings.Contains(err.Error(), "*bearer.Tokens") {
		t.Errorf("auth.New: error %v, want one that names *bearer.Tokens", err)
	}
	defer func() {
		if v := recover(); v != "bearer: Chain: the Tokens were not made by New" {
			t.Errorf("Chain: panic %v", v)
		}
	}()
	bearer.Chain(new(bearer.Tokens))
}

func TestNilVerifierFunc(t *testing.T) {
	zero.Refuses(t, "bearer: nil VerifierFunc", nil, bearer.VerifierFunc(nil))
}
