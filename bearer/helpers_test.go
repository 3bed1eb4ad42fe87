package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

func newTokens(t testing.TB, cfg bearer.Config) *bearer.Tokens {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
	tokens, err := bearer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func newSecrets(t testing.TB, st store.Store) *secret.Secrets {
	t.Helper()
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

// issue issues a token, to ada unless req says otherwise.
func issue(t testing.TB, tokens *bearer.Tokens, req bearer.Request) (string, *store.Credential) {
	t.Helper()
	if req.Subject == "" {
		req.Subject = "ada"
	}
	plain, c, err := tokens.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

func newGuard(t testing.TB, cfg auth.Config) *auth.Guard {
	t.Helper()
	g, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ask returns the answer of a Guard of one authenticator, with a handler that
// writes the subject.
func ask(t testing.TB, a auth.Authenticator, r *http.Request, scopes ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{a}})
	g.Require(scopes...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		w.Write([]byte(id.Subject))
	})).ServeHTTP(w, r)
	return w
}

func want(t testing.TB, a auth.Authenticator, r *http.Request, status int) {
	t.Helper()
	if got := ask(t, a, r); got.Code != status {
		t.Errorf("status %d, want %d", got.Code, status)
	}
}

// A counting store counts lookups.
type counting struct {
	*store.Memory
	finds atomic.Int64
}

func (s *counting) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	s.finds.Add(1)
	return s.Memory.Find(ctx, k, d)
}

// errDown stands for whatever a dead database says.
var errDown = errors.New("dial tcp 192.0.2.1:5432: connection refused")

func networks(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// oneAccount is an auth.Accounts that has one for every subject.
type oneAccount struct{ account *auth.Account }

func (a oneAccount) Account(context.Context, string) (*auth.Account, error) { return a.account, nil }
