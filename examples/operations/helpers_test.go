package operations_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A config is that of one node of a service.
type config struct {
	store    store.Store
	keys     []cookie.Key // nil: one of its own
	sealed   bool         // sessions without a store
	peppers  [][]byte
	also     bool // AcceptUnpeppered
	accounts auth.Accounts
	throttle auth.Throttle
	observe  func(context.Context, auth.Event)
}

// A node is one process of a service, in all that matters to the store: several
// of them share one.
type node struct {
	tokens   *bearer.Tokens
	secrets  *secret.Secrets
	sessions *cookie.Sessions
	handler  http.Handler
}

func newNode(t testing.TB, cfg config) *node {
	t.Helper()
	if cfg.keys == nil {
		cfg.keys = []cookie.Key{cookie.NewKey()}
	}
	n := new(node)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	n.tokens, err = bearer.New(bearer.Config{Store: cfg.store, Peppers: cfg.peppers, AcceptUnpeppered: cfg.also, LastUsedInterval: -1, Observe: cfg.observe})
	must(err)
	n.secrets, err = secret.New(secret.Config{Store: cfg.store, Peppers: cfg.peppers, AcceptUnpeppered: cfg.also, LastUsedInterval: -1, Observe: cfg.observe})
	must(err)
	sessions := cookie.Config{Store: cfg.store, Keys: cfg.keys, Observe: cfg.observe}
	if cfg.sealed {
		sessions.Store = nil
	}
	n.sessions, err = cookie.New(sessions)
	must(err)
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{n.tokens, n.secrets, n.sessions},
		Accounts:       cfg.accounts,
		Throttle:       cfg.throttle,
		Observe:        cfg.observe,
	})
	must(err)
	n.handler = guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return n
}

// roll configures nodes one after the other, and calls during each time.
func roll(t testing.TB, nodes []*node, cfg config, during func()) {
	t.Helper()
	for i := range nodes {
		nodes[i] = newNode(t, cfg)
		during()
	}
}

// issue issues a token for ada.
func (n *node) issue(t testing.TB) (string, *store.Credential) {
	t.Helper()
	plain, c, err := n.tokens.Issue(t.Context(), bearer.Request{Subject: "ada", Lifetime: 30 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

// signIn signs ada in and returns the cookie.
func (n *node) signIn(t testing.TB) (*http.Cookie, *auth.Identity) {
	t.Helper()
	w := httptest.NewRecorder()
	id, err := n.sessions.SignIn(w, httptest.NewRequest("POST", "/login", nil), cookie.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0], id
}

// visit sends a request with a cookie, as a browser does: it keeps the one that
// it is given. It returns the status.
func (n *node) visit(c **http.Cookie) int {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(*c)
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	for _, given := range w.Result().Cookies() {
		if given.MaxAge > 0 {
			*c = given
		}
	}
	return w.Code
}

// call sends a request with an Authorization header and returns the status.
func (n *node) call(authorization string) int {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	return w.Code
}

// wants presents a token to every node.
func wants(t testing.TB, what string, status int, token string, nodes ...*node) {
	t.Helper()
	for i, n := range nodes {
		if got := n.call("Bearer " + token); got != status {
			t.Errorf("%s, node %d: %d, want %d", what, i+1, got, status)
		}
	}
}

// exchange exchanges a secret for a token.
func exchange(t *testing.T, n *node, plaintext, client string) string {
	t.Helper()
	id, err := n.secrets.Authenticate(authorized("Secret " + plaintext))
	if err != nil || id.Client != client {
		t.Fatalf("%+v, %v", id, err)
	}
	plain, _, err := n.tokens.Exchange(t.Context(), id, bearer.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

func authorized(authorization string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", authorization)
	return r
}

// people are the accounts of a service.
type people struct {
	mu        sync.Mutex
	notBefore time.Time
}

func (p *people) Account(context.Context, string) (*auth.Account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &auth.Account{Permissions: []string{auth.AllScopes}, NotBefore: p.notBefore}, nil
}

func (p *people) signOutEverywhere(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notBefore = at
}

// A log keeps what an audit log should.
type log struct {
	mu     sync.Mutex
	events []auth.Event
}

func (l *log) observe(_ context.Context, ev auth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, auth.Event{Type: ev.Type, Scheme: ev.Scheme, Subject: ev.Subject, Credential: ev.Credential})
}

// since returns the events after the first n.
func (l *log) since(n int) []auth.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[n:]
}
