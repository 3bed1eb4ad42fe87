package credential_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// A store may answer with rows that others have too, with room behind the scopes
// as decoders leave it, and with nil for none. An identity shares neither the room,
// in which two handlers would append to one another's, nor the nil, which a request
// for a credential takes for all scopes. R9
func TestScopesOfRows(t *testing.T) {
	for name, scopes := range map[string][]string{
		"room": append(make([]string, 0, 8), "read"),
		"nil":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, p pkg) {
				st := newFaulty()
				f := p.setup(t, credential.Config{Store: st})
				plaintext, _ := f.issue(t, credential.Request{Scopes: []string{"read"}})
				st.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
					c, err := st.Memory.Find(ctx, k, d)
					if err != nil {
						return nil, err
					}
					row := *c
					row.Scopes = scopes
					return &row, nil
				}
				r := request(p.scheme, plaintext)
				for way, ask := range map[string]func() (*auth.Identity, error){
					"Guard":        func() (*auth.Identity, error) { return f.guard.Authenticate(r) },
					"Authenticate": func() (*auth.Identity, error) { return f.manager.Authenticate(r) },
					"Verify":       func() (*auth.Identity, error) { return f.manager.Verify(t.Context(), plaintext, netip.Addr{}) },
					"FromContext": func() (id *auth.Identity, err error) {
						f.guard.Require()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
							id, _ = auth.FromContext(r.Context())
						})).ServeHTTP(httptest.NewRecorder(), r)
						return id, nil
					},
				} {
					id, err := ask()
					if err != nil || id == nil {
						t.Fatalf("%s: %v, %v", way, id, err)
					}
					if id.Scopes == nil || len(id.Scopes) != len(scopes) || cap(id.Scopes) != len(scopes) {
						t.Errorf("%s: scopes %#v, with room for %d", way, id.Scopes, cap(id.Scopes))
					}
				}
			})
		})
	}
}
