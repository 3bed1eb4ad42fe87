package secret_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

func newSecrets(t testing.TB, cfg secret.Config) *secret.Secrets {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
	secrets, err := secret.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

func issue(t testing.TB, secrets *secret.Secrets, req secret.Request) (string, *store.Credential) {
	t.Helper()
	plain, c, err := secrets.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

func newGuard(t testing.TB, secrets *secret.Secrets) *auth.Guard {
	t.Helper()
	g, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{secrets}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(authorization string) *http.Request {
	r := httptest.NewRequest("POST", "/token", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

// want fails the test unless a Guard answers so to a secret.
func want(t testing.TB, secrets *secret.Secrets, plaintext string, status int) {
	t.Helper()
	w := httptest.NewRecorder()
	newGuard(t, secrets).Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, request("Secret "+plaintext))
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
}

// A faulty is a Memory that counts lookups, and fails them if told to.
type faulty struct {
	*store.Memory
	finds atomic.Int64
	err   error
}

func (s *faulty) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	s.finds.Add(1)
	if s.err != nil {
		return nil, s.err
	}
	return s.Memory.Find(ctx, k, d)
}

// errDown stands for whatever a dead database says.
var errDown = errors.New("dial tcp 192.0.2.1:5432: connection refused")

func networks(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
