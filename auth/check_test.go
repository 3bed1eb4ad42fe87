package auth_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// Check answers as Authenticate does for a credential that was verified to the
// same end, and tells Observe the same.
func TestCheck(t *testing.T) {
	permitted := account(auth.Account{Permissions: []string{"a"}})
	for _, tt := range []struct {
		name     string
		err      error // of the verification
		accounts auth.Accounts
		scopes   []string
		want     error
	}{
		{name: "valid"},
		{name: "valid account", accounts: permitted},
		{name: "scope", accounts: permitted, scopes: []string{"a"}},
		{name: "no such scope", scopes: []string{"c"}, want: auth.ErrInsufficientScope},
		{name: "no such permission", accounts: permitted, scopes: []string{"b"}, want: auth.ErrInsufficientScope}, // M2
		{name: "disabled", accounts: account(auth.Account{Disabled: true}), want: auth.ErrInvalidCredentials},     // R7
		{name: "NotBefore", accounts: account(auth.Account{NotBefore: issued.Add(1)}), want: auth.ErrInvalidCredentials},
		{name: "unknown account", accounts: accounts(func(context.Context, string) (*auth.Account, error) { return nil, auth.ErrUnknownAccount }), want: auth.ErrInvalidCredentials},
		{name: "accounts are down", accounts: accounts(func(context.Context, string) (*auth.Account, error) { return nil, errDown }), want: auth.ErrUnavailable},
		{name: "accounts panic", accounts: accounts(func(context.Context, string) (*auth.Account, error) { panic("a bug") }), want: auth.ErrUnavailable}, // B2
		{name: "none", err: auth.ErrNoCredentials, want: auth.ErrNoCredentials},
		{name: "invalid", err: named{auth.ErrInvalidCredentials, "ada", "T"}, want: auth.ErrInvalidCredentials},
		{name: "malformed", err: auth.ErrMalformed, want: auth.ErrMalformed},
		{name: "throttled", err: auth.ErrThrottled, want: auth.ErrThrottled},
		{name: "store is down", err: errDown, want: auth.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var id *auth.Identity
			if tt.err == nil {
				id = &auth.Identity{Subject: "ada", Scheme: "Bearer", Credential: "T", Scopes: []string{"a", "b"}, IssuedAt: issued}
			}
			var events []auth.Event
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{bearer(id, tt.err)},
				Accounts:       tt.accounts,
				Observe:        func(_ context.Context, ev auth.Event) { ev.Duration = 0; events = append(events, ev) },
			})
			want, wantErr := g.Authenticate(request("Bearer T"), tt.scopes...)
			got, err := g.Check(t.Context(), id, tt.err, tt.scopes...)
			if !errors.Is(err, tt.want) || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
				t.Errorf("Check = %+v, %v, want %+v, %v", got, err, want, wantErr)
			}
			if got != nil && (got == id || id.Account != nil) {
				t.Error("Check gave or modified the identity that it got")
			}
			if tt.name == "accounts panic" { // with a stack each
				events[0].Err, events[1].Err = nil, nil
			}
			if len(events) != 2 || !reflect.DeepEqual(describe(events[1]), describe(events[0])) {
				t.Errorf("events\n%+v, want the same", events)
			}
		})
	}
}

// describe returns ev with the text of its error for the error.
func describe(ev auth.Event) any {
	text := ""
	if ev.Err != nil {
		text = ev.Err.Error()
	}
	ev.Err = nil
	return []any{ev, text}
}

// Where the scheme cannot be told, a 401 has the challenge of each, and none
// says that it refused. C1
func TestCheckOfSeveralSchemes(t *testing.T) {
	s := &scheme{name: "Secret"}
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{bearer(nil, nil), s}, Accounts: account(auth.Account{Disabled: true})})
	for _, tt := range []struct {
		name   string
		id     *auth.Identity
		err    error
		status int
		want   []string
	}{
		{"unknown", nil, auth.ErrInvalidCredentials, 401, []string{`Bearer realm="api"`, `Secret`}},
		{"of the second", &auth.Identity{Subject: "ada", Scheme: "Secret"}, nil, 401, []string{`Bearer realm="api"`, `Secret error="invalid_token"`}},
		{"of none", &auth.Identity{Subject: "ada", Scheme: "Other"}, nil, 401, []string{`Bearer realm="api"`, `Secret`}},
		{"malformed", nil, auth.ErrMalformed, 400, nil},
		{"not allowed", nil, auth.ErrInsufficientScope, 403, nil},
	} {
		_, err := g.Check(t.Context(), tt.id, tt.err)
		w := httptest.NewRecorder()
		auth.WriteProblem(w, request(), err.(*auth.Error))
		if got := w.Header()["Www-Authenticate"]; w.Code != tt.status || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %d %q, want %d %q", tt.name, w.Code, got, tt.status, tt.want)
		}
	}
}

// Neither identity nor error, no subject, and a Guard that New did not make are
// outages.
func TestCheckOutages(t *testing.T) {
	var cause error
	g := newGuard(t, auth.Config{
		Authenticators: []auth.Authenticator{bearer(nil, nil)},
		Observe:        func(_ context.Context, ev auth.Event) { cause = ev.Err },
	})
	for _, tt := range []struct {
		name  string
		guard *auth.Guard
		id    *auth.Identity
		cause string
	}{
		{"neither", g, nil, "neither an identity nor an error"},
		{"nobody", g, &auth.Identity{Scheme: "Bearer"}, "without a subject"},
		{"zero Guard", new(auth.Guard), &auth.Identity{Subject: "ada"}, ""},
	} {
		cause = errors.New("")
		if id, err := tt.guard.Check(t.Context(), tt.id, nil); id != nil || !errors.Is(err, auth.ErrUnavailable) || !strings.Contains(cause.Error(), tt.cause) {
			t.Errorf("%s: %+v, %v, cause %v, want an outage, %s", tt.name, id, err, cause, tt.cause)
		}
	}
}
