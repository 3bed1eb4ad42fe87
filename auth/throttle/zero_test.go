package throttle_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/internal/zero"
)

// B8: a Limiter that New has not made says so, and does not let everything pass.
func TestZeroLimiter(t *testing.T) {
	zero.Refuses(t, "throttle: the Limiter was not made by New", nil, new(throttle.Limiter), (*throttle.Limiter)(nil))

	var cause error
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(func(*http.Request) (*auth.Identity, error) {
			return &auth.Identity{Subject: "ada"}, nil
		})},
		Throttle: new(throttle.Limiter),
		Observe:  func(_ context.Context, ev auth.Event) { cause = ev.Err },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	guard.Require()(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable || cause == nil || !strings.Contains(cause.Error(), "was not made by New") {
		t.Errorf("status %d, cause %v, want 503 and a cause that says it", w.Code, cause)
	}
}
