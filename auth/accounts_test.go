package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
)

// accounts is an auth.Accounts made of a function.
type accounts func(ctx context.Context, subject string) (*auth.Account, error)

func (f accounts) Account(ctx context.Context, subject string) (*auth.Account, error) {
	return f(ctx, subject)
}

// account answers a for every subject.
func account(a auth.Account) accounts {
	return func(context.Context, string) (*auth.Account, error) { return &a, nil }
}

// issued is when the credentials of these tests were made.
var issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAccount(t *testing.T) {
	fails := func(err error) accounts {
		return func(context.Context, string) (*auth.Account, error) { return nil, err }
	}
	everything := []string{auth.AllScopes}
	tests := []struct {
		name     string
		accounts auth.Accounts
		status   int
		cause    string // for Observe
	}{
		{"may", account(auth.Account{Permissions: []string{"reports:read"}}), 200, ""},
		{"may do everything", account(auth.Account{Permissions: everything}), 200, ""},
		{"may not", account(auth.Account{Permissions: []string{"reports:write"}}), 403, "do not allow"},
		{"may do nothing", account(auth.Account{}), 403, "do not allow"},

		// R7
		{"disabled", account(auth.Account{Permissions: everything, Disabled: true}), 401, "disabled account"},
		{"issued long before NotBefore", account(auth.Account{Permissions: everything, NotBefore: issued.AddDate(1, 0, 0)}), 401, "NotBefore"},
		{"issued 1 µs before NotBefore", account(auth.Account{Permissions: everything, NotBefore: issued.Add(time.Microsecond)}), 401, "NotBefore"},
		{"issued at NotBefore", account(auth.Account{Permissions: everything, NotBefore: issued}), 200, ""},
		{"issued at NotBefore, elsewhere", account(auth.Account{Permissions: everything, NotBefore: issued.In(time.FixedZone("", 5*3600))}), 200, ""},
		{"issued 1 µs after NotBefore", account(auth.Account{Permissions: everything, NotBefore: issued.Add(-time.Microsecond)}), 200, ""},

		{"unknown", fails(auth.ErrUnknownAccount), 401, "unknown account"},
		{"unknown, wrapped", fails(fmt.Errorf("users: %w", auth.ErrUnknownAccount)), 401, "unknown account"},
		{"unknown, with an account", accounts(func(context.Context, string) (*auth.Account, error) {
			return &auth.Account{Permissions: everything}, auth.ErrUnknownAccount
		}), 401, "unknown account"},

		// What cannot be told is an outage, whatever the error is.
		{"outage", fails(errDown), 503, `account "ada": ` + errDown.Error()},
		{"outage, with an account", accounts(func(context.Context, string) (*auth.Account, error) {
			return &auth.Account{Permissions: everything}, errDown
		}), 503, errDown.Error()},
		{"cancelled", fails(context.Canceled), 503, "context canceled"},
		{"another package's not found", fails(errors.New("sql: no rows in result set")), 503, "no rows"},
		{"an error of the authenticators", fails(auth.ErrNoCredentials), 503, auth.ErrNoCredentials.Error()},
		{"an error of the authenticators, wrapped", fails(fmt.Errorf("users: %w", auth.ErrInvalidCredentials)), 503, "users: "},
		{"neither account nor error", fails(nil), 503, "neither an account nor an error"},
		{"panic", accounts(func(context.Context, string) (*auth.Account, error) { panic("a bug") }), 503, "panic: a bug"}, // B2
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := ada("T")
			id.IssuedAt = issued
			var event auth.Event
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{bearer(id, nil)},
				Accounts:       tt.accounts,
				Observe:        func(_ context.Context, ev auth.Event) { event = ev },
			})
			got := serve(g.Require("reports:read")(echo), request("Bearer T"))
			if got.Status != tt.status || (got.Body == "ada T") != (tt.status == 200) {
				t.Errorf("%v, want %d", got, tt.status)
			}
			if event.Subject != "ada" || (event.Err == nil) != (tt.cause == "") || tt.cause != "" && !strings.Contains(event.Err.Error(), tt.cause) {
				t.Errorf("event %+v, want of ada, %s", event, tt.cause)
			}
			if event.Outage() != (tt.status == 503) {
				t.Errorf("Outage is %t with status %d", event.Outage(), tt.status)
			}
		})
	}
}

// C7: the client cannot tell why its credentials are not valid.
func TestAccountRefusalsAreAlike_C7(t *testing.T) {
	want := serve(guardOf(t, bearer(nil, auth.ErrInvalidCredentials)).Require()(never(t)), request("Bearer T"))
	if want.Status != 401 {
		t.Fatalf("invalid credentials: %v, want 401", want)
	}
	for name, a := range map[string]auth.Accounts{
		"unknown":   accounts(func(context.Context, string) (*auth.Account, error) { return nil, auth.ErrUnknownAccount }),
		"disabled":  account(auth.Account{Disabled: true}),
		"NotBefore": account(auth.Account{NotBefore: issued.Add(1)}),
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{bearer(&auth.Identity{Subject: "ada", IssuedAt: issued}, nil)}, Accounts: a})
			for name, h := range map[string]http.Handler{
				"Require":             g.Require()(never(t)),
				"Require with scopes": g.Require("reports:read")(never(t)),
				"Optional":            g.Optional(never(t)),
			} {
				if got := serve(h, request("Bearer T")); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got  %v\nwant %v", name, got, want)
				}
			}
		})
	}
}

// R7 M2: the account is asked on every request, so that a change holds from the
// next one on.
func TestAccountChangesHoldAtOnce_R7(t *testing.T) {
	current := auth.Account{}
	g := newGuard(t, auth.Config{
		Authenticators: []auth.Authenticator{session, bearer(&auth.Identity{Subject: "ada", Scopes: []string{auth.AllScopes}, IssuedAt: issued}, nil)},
		Accounts: accounts(func(context.Context, string) (*auth.Account, error) {
			a := current
			return &a, nil
		}),
	})
	h := g.Require("reports:read")(echo)
	steps := []struct {
		name    string
		account auth.Account
		status  int
	}{
		{"permitted", auth.Account{Permissions: []string{"reports:read"}}, 200},
		{"permission removed", auth.Account{Permissions: []string{"other"}}, 403},
		{"permission back", auth.Account{Permissions: []string{"reports:read"}}, 200},
		{"disabled", auth.Account{Permissions: []string{"reports:read"}, Disabled: true}, 401},
		{"enabled", auth.Account{Permissions: []string{"reports:read"}}, 200},
		{"signed out everywhere", auth.Account{Permissions: []string{"reports:read"}, NotBefore: issued.Add(1)}, 401},
	}
	for _, step := range steps { // in order
		current = step.account
		cookie := request() // every scheme is held to it
		cookie.Header.Set("Cookie", "session=ada")
		for scheme, r := range map[string]*http.Request{"Bearer": request("Bearer T"), "Cookie": cookie} {
			if got := serve(h, r); got.Status != step.status {
				t.Errorf("%s, %s: status %d, want %d", step.name, scheme, got.Status, step.status)
			}
		}
	}
}

// The account is asked for once, with the request's context, and only for who
// is recognised.
func TestAccountIsAskedOnce(t *testing.T) {
	type key struct{}
	var asked []string
	user := &struct{ Name string }{"Ada"}
	g := newGuard(t, auth.Config{
		Authenticators: []auth.Authenticator{&scheme{name: "Bearer", lookup: func(_ *http.Request, credentials string) (*auth.Identity, error) {
			if credentials == "bad" {
				return nil, auth.ErrInvalidCredentials
			}
			return ada(credentials), nil
		}}},
		Accounts: accounts(func(ctx context.Context, subject string) (*auth.Account, error) {
			asked = append(asked, fmt.Sprint(subject, " ", ctx.Value(key{})))
			return &auth.Account{Permissions: []string{auth.AllScopes}, User: user}, nil
		}),
	})
	var got *auth.Identity
	h := g.Require("reports:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got, _ = auth.FromContext(r.Context()) }))
	for _, lines := range [][]string{nil, {"Bearer"}, {"Bearer bad"}, {"Bearer T"}} {
		r := request(lines...)
		serve(h, r.WithContext(context.WithValue(r.Context(), key{}, "of the request")))
	}
	if want := []string{"ada of the request"}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	if got == nil || got.Account == nil || got.Account.User != any(user) {
		t.Errorf("the handler got %+v, want the account and its User", got)
	}
}
