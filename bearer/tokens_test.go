package bearer_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// A token keeps the parent that it was issued with, through its rotations, so
// that all of them can be revoked by it in the store.
func TestParent(t *testing.T) {
	st := store.NewMemory()
	tokens := newTokens(t, bearer.Config{Store: st})
	plaintext, c := issue(t, tokens, bearer.Request{Parent: "device 7"})
	other, _ := issue(t, tokens, bearer.Request{Parent: "device 8"})
	plain, next, err := tokens.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c.Parent != "device 7" || next.Parent != "device 7" {
		t.Errorf("parents %q and %q", c.Parent, next.Parent)
	}
	if _, err := st.Revoke(t.Context(), store.Filter{Kind: store.KindToken, Parent: "device 7"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	want(t, tokens, request("Bearer "+plaintext), http.StatusUnauthorized)
	want(t, tokens, request("Bearer "+plain.Reveal()), http.StatusUnauthorized)
	want(t, tokens, request("Bearer "+other), http.StatusOK)
}
