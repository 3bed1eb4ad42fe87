package auth_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"

	"github.com/keystile/keystile/auth"
)

// identifying answers with what it has verified too.
type identifying struct {
	auth.Authenticator
	of  auth.Verified
	err error
}

func (s *identifying) Identify(*http.Request) (auth.Verified, error) { return s.of, s.err }
func (s *identifying) Itself() auth.Authenticator                    { return s }

type verified auth.Identity

func (v verified) Identity() auth.Identity { return auth.Identity(v) }

// embedding has an Authenticate of its own, and by promotion an Identify that is
// not.
type embedding struct{ *identifying }

func (embedding) Authenticate(*http.Request) (*auth.Identity, error) {
	return nil, auth.ErrInvalidCredentials
}

// Who embeds a scheme and overrides Authenticate must not be passed over. P9
func TestEmbeddedSchemeIsNotPassedOver(t *testing.T) {
	inner := &identifying{answers["ada"], verified{Subject: "ada", Credential: "T"}, nil}
	for name, tt := range map[string]struct {
		a      auth.Authenticator
		status int
	}{
		"the scheme":         {inner, 200},
		"a type around it":   {embedding{inner}, 401},
		"a pointer to that":  {&embedding{inner}, 401},
		"a function of that": {auth.AuthenticatorFunc(embedding{inner}.Authenticate), 401},
	} {
		g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{tt.a}})
		if got := serve(g.Require()(echo), request()); got.Status != tt.status {
			t.Errorf("%s: %d, want %d", name, got.Status, tt.status)
		}
	}
}

// The Guard prefers the method Identify, and treats its answer the same.
func TestIdentify(t *testing.T) {
	tests := []struct {
		name   string
		of     auth.Verified
		err    error
		status int
		body   string
	}{
		{"recognised", verified{Subject: "ada", Credential: "T"}, nil, 200, "ada T"},
		{"refused", verified{Subject: "ada"}, auth.ErrInvalidCredentials, 401, bodyOf(auth.ErrInvalidCredentials)},
		{"none", verified{Subject: "ada"}, auth.ErrNoCredentials, 401, bodyOf(auth.ErrNoCredentials)},
		{"outage", verified{Subject: "ada"}, errDown, 503, bodyOf(auth.ErrUnavailable)},
		{"nothing", nil, nil, 503, bodyOf(auth.ErrUnavailable)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var event auth.Event
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{&identifying{answers["panic"], tt.of, tt.err}},
				Observe:        func(_ context.Context, ev auth.Event) { event = ev },
			})
			if got := serve(g.Require()(echo), request()); got.Status != tt.status || got.Body != tt.body {
				t.Errorf("%d %q, want %d %q", got.Status, got.Body, tt.status, tt.body)
			}
			if known := event.Identity != nil || event.Subject != ""; known != (tt.status == 200) {
				t.Errorf("event %+v, want an identity only where it is authenticated", event)
			}
		})
	}
}

// An authenticator may answer many requests with one identity.
func TestSharedIdentityIsNotModified(t *testing.T) {
	shared := ada("T")
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{bearer(shared, nil)}, Accounts: account(auth.Account{Permissions: []string{"a"}})})
	var seen []*auth.Identity
	h := g.Require("a")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		seen = append(seen, id)
	}))
	serve(h, request("Bearer T"))
	serve(h, request("Bearer T"))
	if !reflect.DeepEqual(shared, ada("T")) {
		t.Errorf("the authenticator's identity is now %+v", shared)
	}
	if len(seen) != 2 || seen[0] == shared || seen[0] == seen[1] || seen[0].Account == nil {
		t.Errorf("the handler saw %+v, want two copies with their account", seen)
	}
}
