package authtest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/authtest"
)

func newGuard(t *testing.T, a auth.Authenticator) *auth.Guard {
	t.Helper()
	g, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{a}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// bearer is a real scheme, whose every token is ada's.
var bearer = auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
	token, err := auth.HeaderCredentials(r.Header, "Bearer")
	if err != nil {
		return nil, err
	}
	return &auth.Identity{Subject: "ada", Credential: token}, nil
})

// who writes the subject of the request.
var who = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, ok := auth.FromContext(r.Context())
	if !ok {
		fmt.Fprint(w, "nobody")
		return
	}
	fmt.Fprint(w, id.Subject)
})

func get() *http.Request { return httptest.NewRequest("GET", "/", nil) }

func TestActingAs(t *testing.T) {
	r := get()
	bob := &auth.Identity{Subject: "bob", Scheme: "Bearer", Scopes: []string{"reports:read"}}
	acting := authtest.ActingAs(r, bob)
	if id, ok := auth.FromContext(acting.Context()); !ok || !reflect.DeepEqual(id, bob) {
		t.Errorf("FromContext = %+v, %v, want %+v", id, ok, bob)
	}
	if id, ok := auth.FromContext(r.Context()); ok {
		t.Errorf("the request itself is from %+v, want nobody", id)
	}
	again := authtest.ActingAs(acting, &auth.Identity{Subject: "carol"})
	if id, err := newGuard(t, authtest.Authenticator()).Authenticate(again); err != nil || id.Subject != "carol" {
		t.Errorf("acting as another: %+v, %v, want carol", id, err)
	}
}

func TestAuthenticator(t *testing.T) {
	g := newGuard(t, authtest.Authenticator())
	bob := &auth.Identity{Subject: "bob", Scopes: []string{"reports:read"}}
	withHeader := get()
	withHeader.Header.Set("Authorization", "Bearer T")
	tests := []struct {
		name    string
		handler http.Handler
		r       *http.Request
		status  int
		body    string
	}{
		{"acting", g.Require("reports:read")(who), authtest.ActingAs(get(), bob), 200, "bob"},
		{"acting, scope missing", g.Require("reports:write")(who), authtest.ActingAs(get(), bob), 403, ""},
		{"acting, Optional", g.Optional(who), authtest.ActingAs(get(), bob), 200, "bob"},
		{"nobody", g.Require()(who), get(), 401, ""},
		{"nobody, Optional", g.Optional(who), get(), 200, "nobody"},
		{"a header", g.Require()(who), withHeader, 401, ""},
		{"a context of another origin", g.Require()(who), get().WithContext(auth.NewContext(t.Context(), bob)), 401, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.handler.ServeHTTP(w, tt.r)
			if w.Code != tt.status || w.Code == 200 && w.Body.String() != tt.body {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
}

// Nothing that ActingAs does gets past a real Guard: it refuses, lets pass as
// nobody, or finds who it would find anyway.
func TestRealGuardIgnoresActingAs(t *testing.T) {
	g := newGuard(t, bearer)
	mallory := &auth.Identity{Subject: "mallory", Scheme: "Bearer", Scopes: []string{auth.AllScopes}}
	withToken := get()
	withToken.Header.Set("Authorization", "Bearer T")

	w := httptest.NewRecorder()
	g.Require()(who).ServeHTTP(w, authtest.ActingAs(get(), mallory))
	if w.Code != 401 || strings.Contains(w.Body.String(), "mallory") {
		t.Errorf("Require: %d %q, want 401", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	g.Optional(who).ServeHTTP(w, authtest.ActingAs(get(), mallory))
	if w.Body.String() != "nobody" {
		t.Errorf("Optional: %q, want nobody", w.Body)
	}
	w = httptest.NewRecorder()
	g.Require()(who).ServeHTTP(w, authtest.ActingAs(withToken, mallory))
	if w.Body.String() != "ada" {
		t.Errorf("with a token: %q, want ada", w.Body)
	}
	if id, err := g.Authenticate(authtest.ActingAs(get(), mallory)); id != nil || !errors.Is(err, auth.ErrNoCredentials) {
		t.Errorf("Authenticate: %+v, %v, want nil, %v", id, err, auth.ErrNoCredentials)
	}
}

func TestActingAsPanics(t *testing.T) {
	for name, id := range map[string]*auth.Identity{"nil": nil, "empty": {}, "no subject": {Scheme: "Bearer", Credential: "pat_1"}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != "authtest: ActingAs: an identity needs a Subject" {
					t.Errorf("panic %v", v)
				}
			}()
			authtest.ActingAs(get(), id)
			t.Error("no panic")
		})
	}
}
