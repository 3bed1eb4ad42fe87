package bearer_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A token keeps the parent that it was issued with, through its rotations, so
// that all of them can be revoked by it in the store.
func TestParent(t *testing.T) {
	st := store.NewMemory()
	tokens := newTokens(t, bearer.Config{Store: st})
	plaintext, c := issue(t, tokens, bearer.Request{ClientID: "device 7"})
	other, _ := issue(t, tokens, bearer.Request{ClientID: "device 8"})
	plain, next, err := tokens.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c.ClientID != "device 7" || next.ClientID != "device 7" {
		t.Errorf("parents %q and %q", c.ClientID, next.ClientID)
	}
	if _, err := st.Revoke(t.Context(), store.Filter{Kind: store.KindToken, Subject: "ada", ClientID: "device 7"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	want(t, tokens, request("Bearer "+plaintext), http.StatusUnauthorized)
	want(t, tokens, request("Bearer "+plain.Reveal()), http.StatusUnauthorized)
	want(t, tokens, request("Bearer "+other), http.StatusOK)
}

// Lookup finds every token, valid or not, and nothing else.
func TestLookup(t *testing.T) {
	st := store.NewMemory()
	tokens := newTokens(t, bearer.Config{Store: st})
	plaintext, c := issue(t, tokens, bearer.Request{Networks: networks("192.0.2.0/24")})
	secret, _, err := newSecrets(t, st).Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := tokens.Lookup(t.Context(), plaintext); err != nil || got.ID != c.ID {
			t.Errorf("Lookup = %+v, %v, want %s", got, err, c.ID)
		}
		if err := tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
			t.Fatal(err)
		}
	}
	foreign, _ := issue(t, newTokens(t, bearer.Config{}), bearer.Request{})
	for _, plaintext := range []string{"", "hunter2", c.ID, foreign, plaintext[:len(plaintext)-1] + "_", secret.Reveal()} {
		if got, err := tokens.Lookup(t.Context(), plaintext); got != nil || !errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), foreign) {
			t.Errorf("Lookup = %+v, %v, want not found", got, err)
		}
	}
}

// The challenge names the metadata where there are some: RFC 9728 section 5.1.
func TestResourceMetadata(t *testing.T) {
	const url = "https://api.example.com/.well-known/oauth-protected-resource"
	got := ask(t, newTokens(t, bearer.Config{ResourceMetadata: url}), request(""))
	if challenge := got.Header().Get("WWW-Authenticate"); got.Code != 401 || challenge != `Bearer realm="api", resource_metadata="`+url+`"` {
		t.Errorf("%d %s", got.Code, challenge)
	}
	_, err := bearer.New(bearer.Config{Store: store.NewMemory(), ResourceMetadata: "http://api.example.com"})
	if err == nil || !strings.Contains(err.Error(), "bearer: Config.ResourceMetadata: ") {
		t.Errorf("New: %v, want it to name ResourceMetadata", err)
	}
}

// What a handler does to its identity nobody else sees: neither another handler
// of the request, nor another request with the same token.
func TestIdentityIsACopy(t *testing.T) {
	tokens := newTokens(t, bearer.Config{})
	plaintext, _ := issue(t, tokens, bearer.Request{Subject: "ada"})
	guard := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{tokens}})
	var seen []string
	change := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 2 {
			id, _ := auth.FromContext(r.Context())
			seen = append(seen, id.Subject)
			id.Subject = "mallory"
		}
	})
	for range 2 {
		guard.Require()(change).ServeHTTP(httptest.NewRecorder(), request("Bearer "+plaintext))
		id, err := guard.Authenticate(request("Bearer " + plaintext))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, id.Subject)
		id.Subject = "mallory"
	}
	if want := []string{"ada", "ada", "ada", "ada", "ada", "ada"}; !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
}
