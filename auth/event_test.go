package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
)

// named is an error that knows whose credential was refused.
type named struct {
	error
	subject, id string
}

func (n named) Unwrap() error                    { return n.error }
func (n named) Credential() (subject, id string) { return n.subject, n.id }

// Outage tells what an operator must see from what a client is to blame for.
func TestEventOutage(t *testing.T) {
	for _, tt := range []struct {
		ev   auth.Event
		want bool
	}{
		{auth.Event{Type: auth.Refused, Err: errDown}, true},
		{auth.Event{Type: auth.Refused, Err: auth.ErrUnavailable}, true},
		{auth.Event{Type: auth.Refused, Err: fmt.Errorf("%w: expired", auth.ErrInvalidCredentials)}, false},
		{auth.Event{Type: auth.Refused, Err: auth.ErrNoCredentials}, false},
		{auth.Event{Type: auth.Refused, Err: auth.ErrThrottled}, false},
		{auth.Event{Type: auth.Authenticated}, false},
		{auth.Event{Type: auth.Reused, Err: errDown}, false},
	} {
		if got := tt.ev.Outage(); got != tt.want {
			t.Errorf("%s, %v: %t, want %t", tt.ev.Type, tt.ev.Err, got, tt.want)
		}
	}
}

func TestObserve(t *testing.T) {
	reports := &auth.Identity{Subject: "ada", Scheme: "Bearer", Credential: "pat_1", Scopes: []string{"reports:read"}, IssuedAt: issued}
	of := func(id *auth.Identity, a *auth.Account) *auth.Identity {
		withAccount := *id
		withAccount.Account = a
		return &withAccount
	}
	active := &auth.Account{Permissions: []string{auth.AllScopes}}
	expired := fmt.Errorf("tokens: %w", named{fmt.Errorf("%w: expired", auth.ErrInvalidCredentials), "ada", "pat_2"})
	tests := []struct {
		name    string
		lines   []string
		id      *auth.Identity
		err     error
		account auth.Account
		scopes  []string
		want    auth.Event // without Err and Duration
		is      error
		says    string
	}{
		{name: "authenticated", lines: []string{"Bearer T"}, id: reports, account: *active, scopes: []string{"reports:read"},
			want: auth.Event{Type: auth.Authenticated, Scheme: "Bearer", Identity: of(reports, active), Subject: "ada", Credential: "pat_1"}},
		{name: "none", want: auth.Event{Type: auth.Refused}, is: auth.ErrNoCredentials},
		{name: "malformed", lines: []string{"Bearer"}, want: auth.Event{Type: auth.Refused, Scheme: "Bearer"}, is: auth.ErrMalformed},
		{name: "invalid", lines: []string{"Bearer T"}, err: fmt.Errorf("%w: checksum", auth.ErrInvalidCredentials),
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer"}, is: auth.ErrInvalidCredentials, says: "checksum"},
		{name: "invalid, and whose it was", lines: []string{"Bearer T"}, err: expired,
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer", Subject: "ada", Credential: "pat_2"}, is: auth.ErrInvalidCredentials, says: "expired"},
		{name: "throttled", lines: []string{"Bearer T"}, err: named{auth.ErrThrottled, "ada", ""},
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer", Subject: "ada"}, is: auth.ErrThrottled},
		{name: "outage", lines: []string{"Bearer T"}, err: errDown, want: auth.Event{Type: auth.Refused, Scheme: "Bearer"}, is: errDown},
		{name: "neither", lines: []string{"Bearer T"}, want: auth.Event{Type: auth.Refused, Scheme: "Bearer"}, says: "neither an identity nor an error"},
		{name: "no subject", lines: []string{"Bearer T"}, id: &auth.Identity{Credential: "pat_1"}, want: auth.Event{Type: auth.Refused, Scheme: "Bearer"}, says: "without a subject"},

		// The identity is known, and refused all the same.
		{name: "scope", lines: []string{"Bearer T"}, id: reports, account: *active, scopes: []string{"reports:write"},
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer", Identity: of(reports, active), Subject: "ada", Credential: "pat_1"}, is: auth.ErrInsufficientScope},
		{name: "disabled", lines: []string{"Bearer T"}, id: reports, account: auth.Account{Disabled: true},
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer", Identity: reports, Subject: "ada", Credential: "pat_1"}, is: auth.ErrInvalidCredentials, says: "disabled account"},
		{name: "NotBefore", lines: []string{"Bearer T"}, id: reports, account: auth.Account{NotBefore: issued.Add(1)},
			want: auth.Event{Type: auth.Refused, Scheme: "Bearer", Identity: reports, Subject: "ada", Credential: "pat_1"}, is: auth.ErrInvalidCredentials, says: "NotBefore"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				type key struct{}
				var events []auth.Event
				g := newGuard(t, auth.Config{
					Authenticators: []auth.Authenticator{
						auth.AuthenticatorFunc(func(*http.Request) (*auth.Identity, error) {
							time.Sleep(20 * time.Millisecond) // of the bubble
							return nil, auth.ErrNoCredentials
						}),
						bearer(tt.id, tt.err),
					},
					Accounts: accounts(func(context.Context, string) (*auth.Account, error) {
						time.Sleep(5 * time.Millisecond)
						return &tt.account, nil
					}),
					Observe: func(ctx context.Context, ev auth.Event) {
						if ctx.Value(key{}) != "of the request" {
							t.Error("Observe got another context than the request's")
						}
						events = append(events, ev)
					},
				})
				duration := 20 * time.Millisecond
				if tt.id != nil && tt.id.Subject != "" {
					duration += 5 * time.Millisecond
				}
				handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					if len(events) != 1 {
						t.Errorf("%d events before the handler, want 1", len(events))
					}
					time.Sleep(time.Hour) // is not part of the decision
				})
				r := request(tt.lines...)
				r = r.WithContext(context.WithValue(r.Context(), key{}, "of the request"))
				for name, decide := range map[string]func(){
					"Require":      func() { serve(g.Require(tt.scopes...)(handler), r) },
					"Authenticate": func() { g.Authenticate(r, tt.scopes...) },
				} {
					events = nil
					decide()
					if len(events) != 1 {
						t.Fatalf("%s: %d events, want 1", name, len(events))
					}
					got := events[0]
					if (got.Err == nil) != (tt.want.Type == auth.Authenticated) || tt.is != nil && !errors.Is(got.Err, tt.is) || tt.says != "" && !strings.Contains(got.Err.Error(), tt.says) {
						t.Errorf("%s: Err %v, want %v %s", name, got.Err, tt.is, tt.says)
					}
					if got.Duration != duration {
						t.Errorf("%s: Duration %v, want %v", name, got.Duration, duration)
					}
					got.Err, got.Duration = nil, 0
					if !reflect.DeepEqual(got, tt.want) {
						t.Errorf("%s: got %+v\nwant %+v", name, got, tt.want)
					}
				}
			})
		})
	}
}

// Who carries nothing and needs nothing is no event.
func TestObserveOptional(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			var events []auth.EventType
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{bearer(nil, tt.err)},
				Observe:        func(_ context.Context, ev auth.Event) { events = append(events, ev.Type) },
			})
			var want []auth.EventType
			if tt.kind != auth.ErrNoCredentials {
				want = []auth.EventType{auth.Refused}
			}
			if serve(g.Optional(echo), request("Bearer T")); !reflect.DeepEqual(events, want) {
				t.Errorf("events %q, want %q", events, want)
			}
		})
	}
}
