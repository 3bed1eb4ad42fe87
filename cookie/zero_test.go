package cookie_test

import (
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/internal/zero"
)

// B8: Sessions that New has not made say so.
func TestZeroSessions(t *testing.T) {
	works := []string{"Ambient", "Challenge", "Itself"}
	zero.Refuses(t, "cookie: the Sessions were not made by New", works, new(cookie.Sessions), (*cookie.Sessions)(nil))

	_, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{new(cookie.Sessions)}})
	if err == nil || !strings.Contains(err.Error(), "*cookie.Sessions") {
		t.Errorf("auth.New: error %v, want one that names *cookie.Sessions", err)
	}
}
