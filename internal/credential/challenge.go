package credential

import (
	"errors"
	"strings"

	"github.com/keystile/keystile/auth"
)

// Challenge returns a challenge as RFC 6750 section 3 has it for Bearer: always
// with a realm, as one parameter at least is required.
func Challenge(scheme, realm string, reason error, scopes []string) auth.Challenge {
	c := auth.Challenge{Scheme: scheme, Params: [][2]string{{"realm", realm}}}
	add := func(name, value string) { c.Params = append(c.Params, [2]string{name, value}) }
	switch {
	case errors.Is(reason, auth.ErrMalformed):
		add("error", "invalid_request")
	case errors.Is(reason, auth.ErrInvalidCredentials):
		add("error", "invalid_token")
	case errors.Is(reason, auth.ErrInsufficientScope):
		add("error", "insufficient_scope")
		if len(scopes) > 0 {
			add("scope", strings.Join(scopes, " "))
		}
	}
	return c
}
