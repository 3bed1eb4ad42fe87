package auth_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
)

// A nil *Error and a zero one are an outage: whoever makes one by mistake
// lets nobody in.
func TestErrorWithoutClass(t *testing.T) {
	for name, e := range map[string]*auth.Error{"nil": nil, "zero": new(auth.Error)} {
		t.Run(name, func(t *testing.T) {
			var err error = e
			if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrNoCredentials) {
				t.Errorf("%v is not %v alone", err, auth.ErrUnavailable)
			}
			if e.Error() != auth.ErrUnavailable.Error() || e.Status() != 503 || e.Detail() != "Authentication is temporarily unavailable." {
				t.Errorf("%q, %d, %q", e.Error(), e.Status(), e.Detail())
			}
			w := httptest.NewRecorder()
			auth.WriteProblem(w, request(), e)
			if w.Code != 503 || w.Body.String() != bodyOf(auth.ErrUnavailable) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %q %q, want that of an outage", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// later is a throttled error with a say in Retry-After.
type later time.Duration

func (l later) Error() string             { return "later" }
func (l later) Unwrap() error             { return auth.ErrThrottled }
func (l later) RetryAfter() time.Duration { return time.Duration(l) }

// Retry-After is in seconds: RFC 9110 section 10.2.3. A client that waits as
// long as it is told is never too early.
func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"not said", auth.ErrThrottled, "60"},
		{"not said, wrapped", fmt.Errorf("login: %w", auth.ErrThrottled), "60"},
		{"seconds", later(90 * time.Second), "90"},
		{"wrapped", fmt.Errorf("login: %w", later(90*time.Second)), "90"},
		{"rounded up", later(90*time.Second + 1), "91"},
		{"rounded up to a second", later(1), "1"},
		{"nothing", later(0), "0"},
		{"in the past", later(-time.Hour), "0"},
		{"as long as can be", later(math.MaxInt64), "9223372037"},
		{"as short as can be", later(math.MinInt64), "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := guardOf(t, bearer(nil, tt.err))
			got := serve(g.Require()(never(t)), request("Bearer T"))
			if retry := got.Header["Retry-After"]; got.Status != 429 || len(retry) != 1 || retry[0] != tt.want {
				t.Errorf("%v, want 429 with Retry-After %s", got, tt.want)
			}
			_, err := g.Authenticate(request("Bearer T"))
			w := httptest.NewRecorder()
			auth.WriteProblem(w, request(), err.(*auth.Error))
			if got := w.Header().Get("Retry-After"); got != tt.want {
				t.Errorf("Authenticate: Retry-After %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("of one request alone", func(t *testing.T) {
		err := error(later(90 * time.Second))
		h := guardOf(t, &scheme{name: "Bearer", lookup: func(*http.Request, string) (*auth.Identity, error) { return nil, err }}).Require()(never(t))
		serve(h, request("Bearer T"))
		err = auth.ErrThrottled
		if got := serve(h, request("Bearer T")).Header.Get("Retry-After"); got != "60" {
			t.Errorf("Retry-After %s, want 60", got)
		}
	})
}
