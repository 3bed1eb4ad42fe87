package credential_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
)

// C3: the codes of RFC 6750 section 3.1, and none where there were no
// credentials.
func TestChallenge(t *testing.T) {
	scopes := []string{"reports:read", "reports:write"}
	tests := []struct {
		name   string
		reason error
		scopes []string
		want   string
	}{
		{"no credentials", auth.ErrNoCredentials, nil, ` realm="api"`},
		{"malformed", auth.ErrMalformed, nil, ` realm="api", error="invalid_request"`},
		{"invalid", auth.ErrInvalidCredentials, nil, ` realm="api", error="invalid_token"`},
		{"scope", auth.ErrInsufficientScope, scopes, ` realm="api", error="insufficient_scope", scope="reports:read reports:write"`},
		{"scope, unknown which", auth.ErrInsufficientScope, nil, ` realm="api", error="insufficient_scope"`},
		{"wrapped", fmt.Errorf("expired: %w", auth.ErrInvalidCredentials), nil, ` realm="api", error="invalid_token"`},
		{"scopes that are not the matter", auth.ErrInvalidCredentials, scopes, ` realm="api", error="invalid_token"`},
		{"something else", errors.New(`"`), scopes, ` realm="api"`},
	}
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		for _, tt := range tests {
			if got, want := f.Challenge(tt.reason, tt.scopes).String(), p.scheme+tt.want; got != want {
				t.Errorf("%s: %s, want %s", tt.name, got, want)
			}
		}
	})
}
