package cookie_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// A setup is one of the ways to seal and to keep sessions.
type setup struct {
	name   string
	codec  cookie.Codec
	stored bool
}

var setups = []setup{
	{"securecookie", cookie.SecureCookie, false},
	{"securecookie and store", cookie.SecureCookie, true},
	{"aead", cookie.AEAD, false},
	{"aead and store", cookie.AEAD, true},
}

func (s setup) config() cookie.Config {
	cfg := cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: s.codec}
	if s.stored {
		cfg.Store = store.NewMemory()
	}
	return cfg
}

// each runs a test in every setup.
func each(t *testing.T, test func(t *testing.T, cfg cookie.Config)) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) { test(t, s.config()) })
	}
}

// eachInBubble is each with a clock of the test's own, which begins at the
// start of 2000 and goes on when everybody sleeps.
func eachInBubble(t *testing.T, test func(t *testing.T, cfg cookie.Config)) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		synctest.Test(t, func(t *testing.T) { test(t, cfg) })
	})
}

// A site is a service that tells whoever has a session who they are.
type site struct {
	*cookie.Sessions
	guard   *auth.Guard
	handler http.Handler
	served  atomic.Int64 // requests that reached the service
}

func newSite(t testing.TB, cfg cookie.Config) *site {
	t.Helper()
	return newSiteFor(t, cfg, auth.Config{})
}

// newSiteFor returns a site that accepts other schemes, knows accounts, or is
// observed.
func newSiteFor(t testing.TB, cfg cookie.Config, guard auth.Config) *site {
	t.Helper()
	sessions, err := cookie.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Sessions: sessions}
	guard.Authenticators = append(guard.Authenticators, sessions)
	if s.guard, err = auth.New(guard); err != nil {
		t.Fatal(err)
	}
	s.handler = s.guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		id, _ := auth.FromContext(r.Context())
		io.WriteString(w, id.Subject)
	}))
	return s
}

// request returns a request with header lines such as "Origin: null". Nothing
// checks those, as the server of net/http would.
func request(method string, lines ...string) *http.Request {
	r := httptest.NewRequest(method, "https://app.example.com/", nil)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// line returns the header line with which a browser sends c.
func line(c *http.Cookie) string { return "Cookie: " + c.Name + "=" + c.Value }

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// visit sends a GET with c, which may be nil, and header lines.
func (s *site) visit(c *http.Cookie, lines ...string) *httptest.ResponseRecorder {
	if c != nil {
		lines = append(lines, line(c))
	}
	return s.do(request("GET", lines...))
}

// wants fails the test if a visit with c has another status.
func (s *site) wants(t testing.TB, status int, c *http.Cookie) {
	t.Helper()
	if w := s.visit(c); w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
}

// signIn signs ada in from a browser that has the cookie old, or none.
func (s *site) signIn(t testing.TB, old *http.Cookie) (*http.Cookie, *auth.Identity) {
	t.Helper()
	return s.signInAs(t, "ada", old)
}

func (s *site) signInAs(t testing.TB, subject string, old *http.Cookie) (*http.Cookie, *auth.Identity) {
	t.Helper()
	r := request("POST", "Sec-Fetch-Site: same-origin")
	if old != nil {
		r.AddCookie(old)
	}
	w := httptest.NewRecorder()
	id, err := s.SignIn(w, r, cookie.Request{Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	c := cookieOf(t, w)
	if c == nil {
		t.Fatal("no cookie was set")
	}
	return c, id
}

// signOut signs out the browser that has the cookie c.
func (s *site) signOut(t testing.TB, c *http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.SignOut(w, request("POST", line(c))); err != nil {
		t.Fatal(err)
	}
	return w
}

// cookieOf returns the cookie that a response sets, or nil. There must not be
// several.
func cookieOf(t testing.TB, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	switch set := w.Result().Cookies(); len(set) {
	case 0:
		return nil
	case 1:
		return set[0]
	default:
		t.Fatalf("%d cookies set: %q", len(set), w.Header()["Set-Cookie"])
		return nil
	}
}

// cleared reports whether a response takes the cookie away from the browser.
func cleared(t testing.TB, w *httptest.ResponseRecorder) bool {
	t.Helper()
	c := cookieOf(t, w)
	return c != nil && c.MaxAge < 0 && c.Value == ""
}

// flaky is a store that asks fail first, if that is set, with the name of the
// method.
type flaky struct {
	store.Store
	fail func(method string) error
}

var errDown = errors.New("connection refused")

func down(string) error { return errDown }

func (f *flaky) try(method string) error {
	if f.fail == nil {
		return nil
	}
	return f.fail(method)
}

func (f *flaky) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := f.try("Find"); err != nil {
		return nil, err
	}
	return f.Store.Find(ctx, k, d)
}

func (f *flaky) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if err := f.try("Insert"); err != nil {
		return nil, err
	}
	return f.Store.Insert(ctx, c, l)
}

func (f *flaky) Revoke(ctx context.Context, filter store.Filter, at time.Time) ([]store.Digest, error) {
	if err := f.try("Revoke"); err != nil {
		return nil, err
	}
	return f.Store.Revoke(ctx, filter, at)
}

// collect returns an Observe that appends the types of events to types.
func collect(types *[]auth.EventType) func(context.Context, auth.Event) {
	return func(_ context.Context, ev auth.Event) { *types = append(*types, ev.Type) }
}

// accounts are the accounts of a site, by subject.
type accounts map[string]*auth.Account

func (a accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	if account, ok := a[subject]; ok {
		return account, nil
	}
	return nil, auth.ErrUnknownAccount
}
