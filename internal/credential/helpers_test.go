package credential_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// What bearer and secret promise alike is tested here, through both of them.
var packages = []pkg{
	{"bearer", "Bearer", store.KindToken, "pat_", 24 * time.Hour, 1000, newTokens},
	{"secret", "Secret", store.KindSecret, "sec_", 90 * 24 * time.Hour, 5, newSecrets},
}

// A pkg is a package, and what it documents as its defaults.
type pkg struct {
	name     string
	scheme   string
	kind     store.Kind
	prefix   string
	lifetime time.Duration
	limit    int
	new      func(credential.Config) (manager, issuer, error)
}

// A manager is *bearer.Tokens or *secret.Secrets.
type manager interface {
	auth.Authenticator
	auth.Challenger
	Rotate(ctx context.Context, subject, id string, overlap time.Duration) (auth.Plaintext, *store.Credential, error)
	Revoke(ctx context.Context, subject, id string) error
	RevokeAll(ctx context.Context, subject string) (int, error)
	RevokeFamily(ctx context.Context, subject, family string) (int, error)
	RevokeLeaked(ctx context.Context, plaintext string) error
	List(ctx context.Context, subject string) ([]*store.Credential, error)
	Pattern() string
	Verify(ctx context.Context, plaintext string, addr netip.Addr) (*auth.Identity, error)
}

// An issuer is the method Issue of a manager.
type issuer func(context.Context, credential.Request) (auth.Plaintext, *store.Credential, error)

// newTokens uses those fields of cfg that bearer.Config has, too.
func newTokens(cfg credential.Config) (manager, issuer, error) {
	tokens, err := bearer.New(bearer.Config{
		Store: cfg.Store, Prefix: cfg.Prefix, Realm: cfg.Realm, Limit: cfg.Limit, HourlyLimit: cfg.HourlyLimit, Peppers: cfg.Peppers,
		AcceptUnpeppered: cfg.AcceptUnpeppered, RevokeReused: cfg.RevokeReused, LastUsedInterval: cfg.LastUsedInterval,
		TrustedProxies: cfg.TrustedProxies, Observe: cfg.Observe,
	})
	if err != nil {
		return nil, nil, err
	}
	return tokens, func(ctx context.Context, req credential.Request) (auth.Plaintext, *store.Credential, error) {
		return tokens.Issue(ctx, bearer.Request(req))
	}, nil
}

func newSecrets(cfg credential.Config) (manager, issuer, error) {
	secrets, err := secret.New(secret.Config{
		Store: cfg.Store, Prefix: cfg.Prefix, Realm: cfg.Realm, Limit: cfg.Limit, HourlyLimit: cfg.HourlyLimit, Peppers: cfg.Peppers,
		AcceptUnpeppered: cfg.AcceptUnpeppered, RevokeReused: cfg.RevokeReused, LastUsedInterval: cfg.LastUsedInterval,
		TrustedProxies: cfg.TrustedProxies, Observe: cfg.Observe,
	})
	if err != nil {
		return nil, nil, err
	}
	return secrets, func(ctx context.Context, req credential.Request) (auth.Plaintext, *store.Credential, error) {
		return secrets.Issue(ctx, secret.Request{
			Subject: req.Subject, Name: req.Name, Scopes: req.Scopes,
			Lifetime: req.Lifetime, Networks: req.Networks, Data: req.Data,
		})
	}, nil
}

// other returns the other package.
func (p pkg) other() pkg {
	if p.name == packages[0].name {
		return packages[1]
	}
	return packages[0]
}

// both runs a test for each package.
func both(t *testing.T, test func(t *testing.T, p pkg)) {
	for _, p := range packages {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// A fixture is one of the packages at work.
type fixture struct {
	pkg
	manager
	issuer
	store  *faulty
	guard  *auth.Guard
	events *events // of the package and of the Guard, in their order
}

// setup returns a fixture for cfg, by default with a store of its own.
func (p pkg) setup(t testing.TB, cfg credential.Config) *fixture {
	t.Helper()
	f := &fixture{pkg: p, events: new(events)}
	if f.store, _ = cfg.Store.(*faulty); cfg.Store == nil {
		f.store = newFaulty()
		cfg.Store = f.store
	}
	cfg.Observe = f.events.add
	var err error
	if f.manager, f.issuer, err = p.new(cfg); err != nil {
		t.Fatal(err)
	}
	f.guard = newGuard(t, auth.Config{Authenticators: []auth.Authenticator{f.manager}, Observe: f.events.add})
	return f
}

// issue issues a credential, to ada unless req says otherwise.
func (f *fixture) issue(t testing.TB, req credential.Request) (string, *store.Credential) {
	t.Helper()
	if req.Subject == "" {
		req.Subject = "ada"
	}
	plain, c, err := f.issuer(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

// insert stores a row that Issue would not make, and returns its plaintext.
func (f *fixture) insert(t testing.TB, edit func(c *store.Credential)) (string, *store.Credential) {
	t.Helper()
	plaintext, id := f.unknown(t), rand.Text()
	c := &store.Credential{
		ID: id, Kind: f.kind, Digest: sha256.Sum256([]byte(plaintext)), Subject: "ada", Scopes: []string{auth.AllScopes},
		Family: id, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	edit(c)
	if _, err := f.store.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	return plaintext, c
}

// unknown returns a credential that f's store does not know, but for that as
// good as any.
func (p pkg) unknown(t testing.TB) string {
	t.Helper()
	_, issue, err := p.new(credential.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := issue(t.Context(), credential.Request{Subject: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

// status returns how f's Guard answers to a credential.
func (f *fixture) status(plaintext string) int {
	return status(f.guard, request(f.scheme, plaintext))
}

// want fails the test if the answer is another.
func (f *fixture) want(t testing.TB, plaintext string, status int) {
	t.Helper()
	if got := f.status(plaintext); got != status {
		t.Errorf("status %d, want %d", got, status)
	}
}

// row returns what the store has of a credential.
func (f *fixture) row(t testing.TB, id string) *store.Credential {
	t.Helper()
	c, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rows returns what the store has of an account, of any kind.
func (f *fixture) rows(t testing.TB, subject string) []*store.Credential {
	t.Helper()
	var rows []*store.Credential
	for c, err := range f.store.Scan(t.Context(), store.ScanFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Subject == subject {
			rows = append(rows, c)
		}
	}
	return rows
}

func newGuard(t testing.TB, cfg auth.Config) *auth.Guard {
	t.Helper()
	g, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(scheme, plaintext string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", scheme+" "+plaintext)
	return r
}

func status(g *auth.Guard, r *http.Request) int {
	w := httptest.NewRecorder()
	g.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}

// equal compares an identity with the one that is wanted.
func equal(t testing.TB, what string, got *auth.Identity, err error, want auth.Identity) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("%s = %+v, %v, want %+v", what, got, err, want)
	}
}
