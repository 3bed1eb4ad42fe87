package auth_test

import (
	"errors"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/keystile/keystile/auth"
)

// The error of Authenticate is an *auth.Error, says what it is, and is written
// as Require writes it.
func TestAuthenticateRefuses(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			g := tt.guard(t, tt.err)
			id, err := g.Authenticate(request("Bearer T"), "reports:read")
			var e *auth.Error
			if id != nil || !errors.As(err, &e) || err != error(e) {
				t.Fatalf("%v, %T, want nil, *auth.Error", id, err)
			}
			for _, other := range refusals {
				if got, want := errors.Is(err, other.kind), other.kind == tt.kind; got != want {
					t.Errorf("errors.Is(err, %q) = %v, want %v", other.kind, got, want)
				}
			}
			if tt.kind == auth.ErrUnavailable && tt.err != tt.kind && errors.Is(err, tt.err) {
				t.Errorf("%v holds the cause", err)
			}
			if e.Error() != tt.kind.Error() || e.Status() != tt.status || e.Detail() != tt.detail {
				t.Errorf("%q, %d, %q, want %q, %d, %q", e.Error(), e.Status(), e.Detail(), tt.kind, tt.status, tt.detail)
			}

			w := httptest.NewRecorder()
			auth.WriteProblem(w, request("Bearer T"), e)
			want := serve(g.Require("reports:read")(never(t)), request("Bearer T"))
			want.Header.Del("Vary") // that of the middleware
			if got := (response{w.Code, w.Header(), w.Body.String()}); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	permitted := account(auth.Account{Permissions: []string{"a", "b"}, User: "Ada"})
	tests := []struct {
		name     string
		granted  []string
		accounts auth.Accounts
		scopes   []string
		err      error
		scope    string // of the challenge
	}{
		{name: "no scopes", granted: nil},
		{name: "scopes", granted: []string{"a", "b"}, scopes: []string{"b", "a"}},
		{name: "one scope missing", granted: []string{"a"}, scopes: []string{"a", "b"}, err: auth.ErrInsufficientScope, scope: "a b"},
		{name: "AllScopes", granted: []string{auth.AllScopes}, scopes: []string{"c"}},
		{name: "account", granted: []string{auth.AllScopes}, accounts: permitted, scopes: []string{"a", "b"}},
		{name: "account lacks one", granted: []string{auth.AllScopes}, accounts: permitted, scopes: []string{"c"}, err: auth.ErrInsufficientScope, scope: "c"}, // M2
		{name: "disabled", granted: []string{auth.AllScopes}, accounts: account(auth.Account{Disabled: true}), err: auth.ErrInvalidCredentials},                // R7
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := &auth.Identity{Subject: "ada", Scheme: "Bearer", Credential: "T", Scopes: append([]string{}, tt.granted...), IssuedAt: issued, ExpiresAt: issued.AddDate(0, 0, 1)}
			s := bearer(want, nil)
			s.realm = ""
			g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{s}, Accounts: tt.accounts})
			id, err := g.Authenticate(request("Bearer T"), tt.scopes...)
			if tt.err != nil {
				if id != nil || !errors.Is(err, tt.err) {
					t.Fatalf("%+v, %v, want nil, %v", id, err, tt.err)
				}
				w := httptest.NewRecorder()
				auth.WriteProblem(w, request(), err.(*auth.Error))
				challenge := `Bearer error="invalid_token"`
				if tt.scope != "" {
					challenge = `Bearer error="insufficient_scope", scope="` + tt.scope + `"`
				}
				if got := w.Header().Get("WWW-Authenticate"); got != challenge {
					t.Errorf("challenge %s, want %s", got, challenge)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.accounts != nil {
				if id.Account == nil || id.Account.User != "Ada" {
					t.Errorf("account %+v, want that of the identity", id.Account)
				}
				id.Account = nil
			}
			if !reflect.DeepEqual(id, want) || id == want {
				t.Errorf("%+v, want a copy of %+v", id, want)
			}
		})
	}
}
