package secret_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// discard is a ResponseWriter that costs next to nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header               { return d.h }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }
func (d *discard) WriteHeader(int)                   {}

// What a request costs: at most two allocations, and none if it is refused;
// and no question to the store for what cannot be a secret. T2 P6
func TestAllocations(t *testing.T) {
	for name, accept := range map[string]bool{"own": false, "own and imported": true} {
		t.Run(name, func(t *testing.T) {
			st := &faulty{Memory: store.NewMemory()}
			secrets := newSecrets(t, secret.Config{Store: st, AcceptImported: accept})
			plaintext, _ := issue(t, secrets, secret.Request{Subject: "ada"})
			foreign, _ := issue(t, newSecrets(t, secret.Config{}), secret.Request{Subject: "ada"})
			guard := newGuard(t, secrets)
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
				{"Require", require, "Secret " + plaintext, 2, 1},
				{"Authenticate", authenticate, "Secret " + plaintext, 1, 1},
				{"no header", require, "", 0, 0},
				{"another scheme", require, "Bearer " + plaintext, 0, 0},
				{"malformed", require, "Secret a,b", 0, 0},
				{"900 KiB", require, "Secret " + strings.Repeat(".", 900<<10), 0, 0},
				{"bad checksum", require, "Secret " + plaintext[:len(plaintext)-1] + "_", 0, 0},
				{"unknown", require, "Secret " + foreign, 0, 1},
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
		})
	}
}
