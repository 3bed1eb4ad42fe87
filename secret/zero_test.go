package secret_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/secret"
)

// B8: Secrets that New has not made say so.
func TestZeroSecrets(t *testing.T) {
	works := []string{"Challenge", "Itself", "ClientAddr"}
	zero.Refuses(t, "the Secrets were not made by New", works, new(secret.Secrets), (*secret.Secrets)(nil))

	_, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{new(secret.Secrets)}})
	if err == nil || !strings.Contains(err.Error(), "*secret.Secrets") {
		t.Errorf("auth.New: error %v, want one that names *secret.Secrets", err)
	}
	if got := new(secret.Secrets).ClientAddr(httptest.NewRequest("GET", "/", nil)); got.String() != "192.0.2.1" {
		t.Errorf("ClientAddr = %v, want that of the connection", got)
	}
}
