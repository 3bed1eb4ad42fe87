package endpoint_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A fixture is a Server at work, with ada's client.
type fixture struct {
	store    *faulty
	tokens   *bearer.Tokens
	secrets  *secret.Secrets
	server   *endpoint.Server
	accounts *accounts
	events   *events // of the Server alone
	client           // ada's
}

// A client is a secret with its client ID.
type client struct{ id, credential, secret string }

// setup returns a fixture with the rest of cfg.
func setup(t testing.TB, cfg endpoint.Config) *fixture {
	t.Helper()
	f := &fixture{store: &faulty{Memory: store.NewMemory()}, accounts: &accounts{m: make(map[string]*auth.Account)}, events: new(events)}
	var err error
	if f.tokens, err = bearer.New(bearer.Config{Store: f.store, LastUsedInterval: -1}); err != nil {
		t.Fatal(err)
	}
	if f.secrets, err = secret.New(secret.Config{Store: f.store, LastUsedInterval: -1, AcceptImported: true, Limit: -1, HourlyLimit: -1}); err != nil {
		t.Fatal(err)
	}
	cfg.Tokens, cfg.Secrets, cfg.Accounts, cfg.Observe = f.tokens, f.secrets, f.accounts, f.events.add
	if f.server, err = endpoint.New(cfg); err != nil {
		t.Fatal(err)
	}
	f.client = f.newClient(t, secret.Request{})
	return f
}

// newClient issues a secret, to ada unless req says otherwise.
func (f *fixture) newClient(t testing.TB, req secret.Request) client {
	t.Helper()
	if req.Subject == "" {
		req.Subject = "ada"
	}
	plain, c, err := f.secrets.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return client{c.Family, c.ID, plain.Reveal()}
}

// issue issues a token, to ada unless req says otherwise.
func (f *fixture) issue(t testing.TB, req bearer.Request) (string, *store.Credential) {
	t.Helper()
	if req.Subject == "" {
		req.Subject = "ada"
	}
	plain, c, err := f.tokens.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

// exchange exchanges the secret of c and returns the token.
func (f *fixture) exchange(t testing.TB, c client, scope string) string {
	t.Helper()
	got := serve(f.server.Token, form(c, "grant_type", "client_credentials", "scope", scope))
	if got.status != http.StatusOK {
		t.Fatal(got)
	}
	return got.field(t, "access_token").(string)
}

// rows returns how many tokens ada and ben have.
func (f *fixture) rows(t testing.TB) int {
	t.Helper()
	n := 0
	for _, err := range f.store.Scan(t.Context(), store.ScanFilter{Kind: store.KindToken}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// works reports whether a Guard lets token in.
func (f *fixture) works(t testing.TB, token string) bool {
	t.Helper()
	g, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{f.tokens}, Accounts: f.accounts})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err = g.Authenticate(r)
	return err == nil
}

// post returns a request with a body of a content type.
func post(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// plainForm returns a form of names and values, without a client.
func plainForm(params ...string) *http.Request {
	v := make(url.Values)
	for i := 0; i < len(params); i += 2 {
		v.Add(params[i], params[i+1])
	}
	return post("application/x-www-form-urlencoded", v.Encode())
}

// form returns a form whose client authenticates with Basic.
func form(c client, params ...string) *http.Request {
	return with(plainForm(params...), c.basic())
}

// with returns r with an Authorization line more.
func with(r *http.Request, authorization string) *http.Request {
	r.Header.Add("Authorization", authorization)
	return r
}

// basic returns the client's line of client_secret_basic.
func (c client) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.id)+":"+url.QueryEscape(c.secret)))
}

// A response is what a test compares.
type response struct {
	status int
	header http.Header
	body   string
}

func serve(h http.HandlerFunc, r *http.Request) response {
	w := httptest.NewRecorder()
	h(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}

// field returns a member of the JSON in the body.
func (r response) field(t testing.TB, name string) any {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(strings.NewReader(r.body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
	return v[name]
}

// accounts are accounts that a test may change; who is not among them may do
// everything.
type accounts struct {
	mu  sync.Mutex
	m   map[string]*auth.Account
	err error
}

func (a *accounts) set(subject string, account auth.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.m[subject] = &account
}

func (a *accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if account := a.m[subject]; account != nil {
		return account, a.err
	}
	return &auth.Account{Permissions: []string{auth.AllScopes}}, a.err
}

// events collects events.
type events struct {
	mu   sync.Mutex
	list []auth.Event
}

func (e *events) add(_ context.Context, ev auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

func (e *events) take() []auth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// errDown stands for whatever a dead database says.
var errDown = errors.New("dial tcp 192.0.2.1:5432: connection refused")

// faulty is a store whose calls fail by fault, where that is set.
type faulty struct {
	*store.Memory
	fault func(call string, kind store.Kind) error
}

func (s *faulty) fail(call string, kind store.Kind) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(call, kind)
}

func (s *faulty) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := s.fail("find", k); err != nil {
		return nil, err
	}
	return s.Memory.Find(ctx, k, d)
}

func (s *faulty) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if err := s.fail("insert", c.Kind); err != nil {
		return nil, err
	}
	return s.Memory.Insert(ctx, c, l)
}

func (s *faulty) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if err := s.fail("revoke", f.Kind); err != nil {
		return nil, err
	}
	return s.Memory.Revoke(ctx, f, at)
}

// broken is a body that ends before its end.
func broken(body string) io.ReadCloser {
	return io.NopCloser(io.MultiReader(bytes.NewBufferString(body), errReader{}))
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
