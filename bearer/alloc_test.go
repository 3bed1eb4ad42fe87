package bearer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// What a request costs: at most two allocations, and none if it is refused;
// and no question to the store for what cannot be a token. T2 P6
func TestAllocations(t *testing.T) {
	st := &counting{Memory: store.NewMemory()}
	tokens := newTokens(t, bearer.Config{Store: st})
	plaintext, _ := issue(t, tokens, bearer.Request{})
	foreign, _ := issue(t, newTokens(t, bearer.Config{}), bearer.Request{})
	guard := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{tokens}})
	require := guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	authenticate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := guard.Authenticate(r); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name          string
		handler       http.Handler
		authorization string
		most          float64
		finds         int64 // for each request
	}{
		{"Require", require, "Bearer " + plaintext, 2, 1},
		{"Authenticate", authenticate, "Bearer " + plaintext, 0, 1},
		{"no header", require, "", 0, 0},
		{"another scheme", require, "Secret " + plaintext, 0, 0},
		{"malformed", require, "Bearer a,b", 0, 0},
		{"900 KiB", require, "Bearer " + strings.Repeat(".", 900<<10), 0, 0},
		{"another form", require, "Bearer x", 0, 0},
		{"bad checksum", require, "Bearer " + plaintext[:len(plaintext)-1] + "_", 0, 0},
		{"unknown", require, "Bearer " + foreign, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, r := &discard{make(http.Header)}, request(tt.authorization)
			st.finds.Store(0)
			const runs = 1000
			n := testing.AllocsPerRun(runs, func() {
				clear(w.h)
				tt.handler.ServeHTTP(w, r)
			})
			if n > tt.most {
				t.Errorf("%v allocations, want at most %v", n, tt.most)
			}
			if finds := st.finds.Load(); finds != tt.finds*(runs+1) { // one to warm up
				t.Errorf("the store was asked %d times in %d requests, want %d each", finds, runs+1, tt.finds)
			}
		})
	}
}
