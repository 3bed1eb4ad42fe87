package auth_test

import (
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/zero"
)

// B8: what New has not made refuses everything, and says that it is an outage.
func TestZeroGuardMethods(t *testing.T) {
	says := auth.ErrUnavailable.Error()
	zero.Refuses(t, says, []string{"Require", "Optional"}, new(auth.Guard)) // see TestZeroGuard
	zero.Refuses(t, says, []string{"Require", "Optional"}, (*auth.Guard)(nil))
	zero.Refuses(t, "nil Guard: New has returned an error", []string{"Authenticate", "Check"}, (*auth.Guard)(nil))
	zero.Refuses(t, "auth: nil AuthenticatorFunc", nil, auth.AuthenticatorFunc(nil))
}

// The other types of the package work as they are: each method has an answer.
func TestZeroValues(t *testing.T) {
	var none *auth.Error
	for _, test := range []struct {
		of   any
		want map[string]any // what each method returns
	}{
		{none, map[string]any{"Error": auth.ErrUnavailable.Error(), "Unwrap": auth.ErrUnavailable,
			"Status": http.StatusServiceUnavailable, "Detail": "Authentication is temporarily unavailable."}},
		{new(auth.Error), map[string]any{"Error": auth.ErrUnavailable.Error(), "Unwrap": auth.ErrUnavailable,
			"Status": http.StatusServiceUnavailable, "Detail": "Authentication is temporarily unavailable."}},
		{(*auth.Identity)(nil), map[string]any{"Has": false}},
		{new(auth.Identity), map[string]any{"Has": true}}, // each of no scopes
		{auth.Challenge{}, map[string]any{"String": ""}},
		{auth.Plaintext{}, map[string]any{"Reveal": "", "MarshalText": []byte("[redacted]"), "LogValue": nil, "Format": nil}},
		{auth.Event{}, map[string]any{"Outage": false, "LogValue": nil}},
	} {
		v := reflect.ValueOf(test.of)
		if v.NumMethod() != len(test.want) {
			t.Errorf("%T has %d methods, want %d", test.of, v.NumMethod(), len(test.want))
		}
		for name, want := range test.want {
			if want == nil {
				continue // TestPlaintext and TestEvent have it
			}
			got := v.MethodByName(name).Call(nil)[0].Interface()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%T.%s = %v, want %v", test.of, name, got, want)
			}
		}
	}
	if !errors.Is(none, auth.ErrUnavailable) {
		t.Error("a nil Error is not ErrUnavailable")
	}
}
