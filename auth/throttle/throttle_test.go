package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// A service accepts bearer tokens and cookies, of ada.
type service struct {
	handler http.Handler
	store   *counting
	token   string
	tokens  *bearer.Tokens
	cookie  string
	account auth.Account
	down    atomic.Bool
}

// counting counts lookups, and is down where the service is.
type counting struct {
	store.Store
	down  *atomic.Bool
	finds atomic.Int64
}

func (c *counting) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	c.finds.Add(1)
	if c.down.Load() {
		return nil, errors.New("down")
	}
	return c.Store.Find(ctx, k, d)
}

func (s *service) Account(context.Context, string) (*auth.Account, error) {
	account := s.account
	return &account, nil
}

func setup(t testing.TB, cfg throttle.Config) *service {
	t.Helper()
	limiter, err := throttle.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, limiter)
}

func serve(t testing.TB, limiter *throttle.Limiter) *service {
	t.Helper()
	s := &service{account: auth.Account{Permissions: []string{auth.AllScopes}}}
	s.store = &counting{Store: store.NewMemory(), down: &s.down}
	var err error
	s.tokens, err = bearer.New(bearer.Config{Store: s.store, LastUsedInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	s.token = s.issue(t)
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); err != nil {
		t.Fatal(err)
	}
	s.cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s.tokens, sessions}, Accounts: s, Throttle: limiter})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return s
}

func (s *service) issue(t testing.TB) string {
	t.Helper()
	plain, _, err := s.tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

// request returns a request from an address, with headers as names and values.
func request(remote string, headers ...string) *http.Request {
	r := &http.Request{Method: "GET", URL: httptest.NewRequest("GET", "/", nil).URL, Header: http.Header{}, RemoteAddr: remote}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func (s *service) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// present presents a token from an address and returns the status.
func (s *service) present(remote, token string) int {
	return s.do(request(remote, "Authorization", "Bearer "+token)).Code
}

func (s *service) want(t testing.TB, what string, status int, remote, token string) {
	t.Helper()
	if got := s.present(remote, token); got != status {
		t.Errorf("%s: %d, want %d", what, got, status)
	}
}

// fail fails n times from an address.
func (s *service) fail(t testing.TB, n int, remote string) {
	t.Helper()
	for i := range n {
		s.want(t, fmt.Sprintf("failed attempt %d from %s", i+1, remote), 401, remote, "wrong")
	}
}

const (
	here  = "192.0.2.1:1000"
	there = "192.0.2.2:1000"
)

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup(t, throttle.Config{Burst: 3, Interval: time.Minute})
		s.fail(t, 3, here)
		w := s.do(request(here, "Authorization", "Bearer wrong"))
		if w.Code != 429 || w.Header().Get("Retry-After") != "60" || w.Header().Get("Www-Authenticate") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		s.want(t, "another port", 429, "192.0.2.1:2000", "wrong")
		s.want(t, "in IPv6 clothes", 429, "[::ffff:192.0.2.1]:2000", "wrong")

		time.Sleep(time.Minute - time.Nanosecond)
		s.want(t, "just before the interval", 429, here, "wrong")
		time.Sleep(time.Nanosecond)
		s.fail(t, 1, here)
		s.want(t, "after the one that came back", 429, here, "wrong")

		time.Sleep(time.Hour)
		s.fail(t, 3, here)
		s.want(t, "never more than the burst", 429, here, "wrong")
	})
}

// While an address is blocked, the store is not asked for it.
func TestStoreNotAsked(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1})
	guess := s.issue(t)
	s.fail(t, 1, here)
	s.store.finds.Store(0)
	for range 100 {
		s.want(t, "blocked", 429, here, guess)
	}
	if n := s.store.finds.Load(); n != 0 {
		t.Errorf("%d lookups", n)
	}
}

func TestWhatCounts(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		prepare func(s *service)
		status  int
		counts  bool
	}{
		{"unknown", []string{"Authorization", "Bearer pat_x"}, nil, 401, true},
		{"malformed", []string{"Authorization", "Bearer a b"}, nil, 400, true},
		{"two lines", []string{"Authorization", "Bearer a", "Authorization", "Bearer a"}, nil, 400, true},
		{"too long", []string{"Authorization", strings.Repeat("x", 1<<16)}, nil, 400, true},
		{"disabled account", []string{"Authorization", "Bearer TOKEN"}, func(s *service) { s.account.Disabled = true }, 401, true},
		{"absent", nil, nil, 401, false},
		{"another scheme's", []string{"Authorization", "Basic eDp5"}, nil, 401, false},
		{"outage", []string{"Authorization", "Bearer TOKEN"}, func(s *service) { s.down.Store(true) }, 503, false},
		{"bad cookie", []string{"Cookie", "__Host-session=x"}, nil, 401, false},
		{"bad cookies", []string{"Cookie", "__Host-session=x; __Host-session=y"}, nil, 401, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := setup(t, throttle.Config{Burst: 1})
			for i := range tt.headers {
				tt.headers[i] = strings.ReplaceAll(tt.headers[i], "TOKEN", s.token)
			}
			if tt.prepare != nil {
				tt.prepare(s)
			}
			if got := s.do(request(here, tt.headers...)).Code; got != tt.status {
				t.Fatalf("%d, want %d", got, tt.status)
			}
			want := tt.status
			if tt.counts {
				want = 429
			}
			if got := s.do(request(here, tt.headers...)).Code; got != want {
				t.Errorf("again: %d, want %d", got, want)
			}
		})
	}
}

// A scope that is lacking is no failed attempt.
func TestScopeDoesNotCount(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1})
	s.account.Permissions = nil
	limiter, err := throttle.New(throttle.Config{Burst: 1})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s.tokens}, Accounts: s, Throttle: limiter})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = guard.Require("a")(s.handler)
	for range 3 {
		s.want(t, "no permission", 403, here, s.token)
	}
}

// A blocked address may still use a session, and sign in.
func TestCookieOfBlocked(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1})
	s.fail(t, 1, here)
	if got := s.do(request(here, "Cookie", s.cookie)).Code; got != 200 {
		t.Errorf("%d, want 200", got)
	}
	if got := s.do(request(here, "Cookie", "__Host-session=x")); got.Code != 401 || !strings.Contains(got.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("a bad one: %d %v, want 401 and it cleared", got.Code, got.Header())
	}
	if got := s.do(request(here, "Cookie", s.cookie, "Authorization", "Bearer "+s.token)).Code; got != 429 {
		t.Errorf("with a token: %d, want 429", got)
	}
}

func TestHeaders(t *testing.T) {
	keys := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		switch r.Header.Get("X-Api-Key") {
		case "":
			return nil, auth.ErrNoCredentials
		case "right":
			return &auth.Identity{Subject: "ada"}, nil
		}
		return nil, auth.ErrInvalidCredentials
	})
	limiter, err := throttle.New(throttle.Config{Burst: 1, Headers: []string{"Authorization", "x-api-key"}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{keys}, Throttle: limiter})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{auth.ErrInvalidCredentials, auth.ErrThrottled} {
		if _, err := guard.Authenticate(request(here, "X-Api-Key", "wrong")); !errors.Is(err, want) {
			t.Errorf("attempt %d: %v, want %v", i+1, err, want)
		}
	}
}

// Valid requests in parallel are never limited, from whatever address.
func TestValidInParallel(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				s.want(t, "valid", 200, here, s.token)
				s.present(there, "wrong")
			}
		})
	}
	wg.Wait()
}

func TestNewErrors(t *testing.T) {
	_, err := throttle.New(throttle.Config{
		Burst: -1, Interval: 2 * time.Hour, Addresses: -1, Headers: []string{"a b", "cookie"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")},
	})
	for _, want := range []string{"Burst: -1", "Interval: 2h", "Addresses: -1", `Headers[0]: "a b"`, `Headers[1]: "cookie"`, "TrustedProxies: 0.0.0.0/0"} {
		if err == nil || !strings.Contains(err.Error(), "throttle: Config."+want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if _, err := throttle.New(throttle.Config{Headers: []string{}}); err == nil {
		t.Error("no headers: no error")
	}
	if _, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(nil)}, Throttle: (*throttle.Limiter)(nil)}); err == nil || !strings.Contains(err.Error(), "Config.Throttle: a nil") {
		t.Errorf("a nil Limiter: %v", err)
	}
}
