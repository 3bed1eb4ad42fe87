package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/keystile/keystile/auth"
)

// What one handler appends to the scopes of its identity no other one has, though
// the authenticator answers all of them from one piece of memory.
func TestScopesHaveNoRoom(t *testing.T) {
	shared := ada("T")
	shared.Scopes = append(make([]string, 0, 8), "read")
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{
		auth.AuthenticatorFunc(func(*http.Request) (*auth.Identity, error) { return shared, nil }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	handle := func(scope string, then http.Handler) http.Handler {
		return guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, _ := auth.FromContext(r.Context())
			id.Scopes = append(id.Scopes, scope)
			then.ServeHTTP(w, r)
			if !id.Has("read", scope) || len(id.Scopes) != 2 {
				t.Errorf("scopes %q after %q was appended", id.Scopes, scope)
			}
		}))
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	admin := handle("admin", nothing) // while the other request is under way
	handle("write", admin).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	for _, check := range []func() (*auth.Identity, error){
		func() (*auth.Identity, error) { return guard.Authenticate(httptest.NewRequest("GET", "/", nil)) },
		func() (*auth.Identity, error) { return guard.Check(t.Context(), shared, nil) },
	} {
		id, err := check()
		if err != nil || cap(id.Scopes) != 1 {
			t.Errorf("%+v, %v: room for %d scopes", id, err, cap(id.Scopes))
		}
	}
}

// A request for a credential takes nil for all scopes, and an identity without
// any is often where its scopes come from.
func TestNoScopesAreNotNil(t *testing.T) {
	nobody := ada("T")
	nobody.Scopes = nil
	id, ok := auth.FromContext(auth.NewContext(t.Context(), nobody))
	if !ok || id.Scopes == nil || len(id.Scopes) != 0 {
		t.Errorf("scopes %#v, want an empty slice", id.Scopes)
	}
}
