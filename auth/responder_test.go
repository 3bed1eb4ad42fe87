package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// A responding scheme logs what its Respond is told, and sets a cookie.
type responding struct {
	auth.Authenticator
	name string
	log  *[]string
}

func (s responding) Respond(w http.ResponseWriter, r *http.Request, id *auth.Identity, err error) {
	who := "nobody"
	if id != nil {
		who = id.Subject
	}
	*s.log = append(*s.log, fmt.Sprintf("%s responds: %s %s, %v", s.name, r.URL.Path, who, err))
	http.SetCookie(w, &http.Cookie{Name: s.name, Value: who})
}

func TestResponder(t *testing.T) {
	invalid := fmt.Errorf("cookie: %w: revoked", auth.ErrInvalidCredentials)
	bob := &auth.Identity{Subject: "bob", Scopes: []string{"a"}}
	tests := []struct {
		name   string
		first  auth.AuthenticatorFunc
		second auth.AuthenticatorFunc
		scopes []string
		want   []string
		status int
	}{
		{"recognised", answering(bob, nil), answers["ada"], []string{"a"},
			[]string{"observe", "first responds: / bob, <nil>", "handler"}, 200},
		{"recognised by the second", answers["none"], answering(bob, nil), []string{"a"},
			[]string{"observe", "second responds: / bob, <nil>", "handler"}, 200},
		{"refused", answering(nil, invalid), answers["ada"], nil,
			[]string{"observe", "first responds: / nobody, cookie: auth: the credentials are not valid: revoked", "refuse"}, 401},
		{"refused by the second", answers["none"], answering(nil, invalid), nil,
			[]string{"observe", "second responds: / nobody, cookie: auth: the credentials are not valid: revoked", "refuse"}, 401},
		{"malformed", answers["malformed"], answers["ada"], nil,
			[]string{"observe", "first responds: / nobody, auth: the credentials are malformed", "refuse"}, 400},
		{"outage", answering(nil, errDown), answers["ada"], nil,
			[]string{"observe", "first responds: / nobody, dial tcp 192.0.2.1:5432: connection refused", "refuse"}, 503},
		{"none", answers["none"], answers["none"], nil, []string{"observe", "refuse"}, 401},

		// The identity is known, and refused all the same.
		{"scope", answering(bob, nil), answers["ada"], []string{"b"},
			[]string{"observe", "first responds: / bob, auth: the credentials do not allow this: it takes [\"b\"]", "refuse"}, 403},
		{"disabled account", answering(&auth.Identity{Subject: "disabled"}, nil), answers["ada"], nil,
			[]string{"observe", "first responds: / disabled, auth: the credentials are not valid: disabled account", "refuse"}, 401},
		{"unknown account", answering(&auth.Identity{Subject: "unknown"}, nil), answers["ada"], nil,
			[]string{"observe", "first responds: / unknown, auth: the credentials are not valid: unknown account", "refuse"}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log []string
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{responding{tt.first, "first", &log}, responding{tt.second, "second", &log}},
				Accounts: accounts(func(_ context.Context, subject string) (*auth.Account, error) {
					if subject == "unknown" {
						return nil, auth.ErrUnknownAccount
					}
					return &auth.Account{Permissions: []string{auth.AllScopes}, Disabled: subject == "disabled"}, nil
				}),
				Observe: func(context.Context, auth.Event) { log = append(log, "observe") },
				Refuse: func(w http.ResponseWriter, r *http.Request, e *auth.Error) {
					log = append(log, "refuse")
					auth.WriteProblem(w, r, e)
				},
			})
			handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { log = append(log, "handler") })
			got := serve(g.Require(tt.scopes...)(handler), request())
			if got.Status != tt.status || !reflect.DeepEqual(log, tt.want) {
				t.Errorf("%d %q\nwant %d %q", got.Status, log, tt.status, tt.want)
			}
			if cookies := len(got.Header["Set-Cookie"]); cookies != len(tt.want)-2 {
				t.Errorf("%d cookies in the response, want %d", cookies, len(tt.want)-2)
			}

			log = nil // Authenticate has no response
			g.Authenticate(request(), tt.scopes...)
			if want := []string{"observe"}; !reflect.DeepEqual(log, want) {
				t.Errorf("Authenticate: %q, want %q", log, want)
			}
		})
	}
}

// Where neither Observe nor Refuse is set, all is the same.
func TestResponderAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		scheme auth.AuthenticatorFunc
		want   []string
	}{
		"recognised": {answers["ada"], []string{"only responds: / ada, <nil>"}},
		"refused":    {answers["malformed"], []string{"only responds: / nobody, auth: the credentials are malformed"}},
		"none":       {answers["none"], nil},
	} {
		t.Run(name, func(t *testing.T) {
			var log []string
			g := guardOf(t, responding{tt.scheme, "only", &log})
			for name, h := range map[string]http.Handler{"Require": g.Require()(echo), "Optional": g.Optional(echo)} {
				log = nil
				if serve(h, request()); !reflect.DeepEqual(log, tt.want) {
					t.Errorf("%s: %q, want %q", name, log, tt.want)
				}
			}
		})
	}
}

// A scheme that panics is one that cannot tell, for its Respond too.
func TestResponderAfterPanic(t *testing.T) {
	var log []string
	serve(guardOf(t, responding{answers["panic"], "only", &log}).Require()(never(t)), request())
	if len(log) != 1 || !strings.HasPrefix(log[0], "only responds: / nobody, auth: panic: a bug\n") {
		t.Errorf("%q, want one outage", log)
	}
}
