package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/internal/program"
	"github.com/keystile/keystile/store"
)

// What the program prints works as pasted, sign-in and sign-out included.
func TestProgram(t *testing.T) {
	p := program.Start(t)
	p.Want(401, 303, 200, 303, 200, 200, 303, 401)
	res, _ := p.Paste(p.Curl[1])
	if got, want := res.Header.Get("Location"), "/login?next=%2Freports%3Fyear%3D2026"; got != want {
		t.Errorf("the page sends to %s, want %s", got, want)
	}
	if res, _ = p.Paste(p.Curl[3]); res.Header.Get("Location") != "/reports?year=2026" {
		t.Errorf("the sign-in sends to %s", res.Header.Get("Location"))
	}
	if _, body := p.Paste(p.Curl[5]); body != `{"scheme":"Cookie","subject":"ada"}`+"\n" {
		t.Errorf("with a cookie the API wrote %s", body)
	}
}

// A client asks a server, follows no redirect and keeps cookies.
type client struct {
	t      *testing.T
	server *httptest.Server
	http   http.Client
}

func newClient(t *testing.T, h http.Handler) *client {
	t.Helper()
	c := &client{t: t, server: httptest.NewServer(h)}
	t.Cleanup(c.server.Close)
	c.server.URL = strings.Replace(c.server.URL, "127.0.0.1", "localhost", 1)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.http = http.Client{Jar: insecure{jar}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c
}

// An insecure jar keeps Secure cookies for http://localhost too, as browsers do.
type insecure struct{ http.CookieJar }

func (j insecure) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Secure = false
	}
	j.CookieJar.SetCookies(u, cookies)
}

// do sends a request with header fields "name: value", and a form for POST.
func (c *client) do(method, path string, form url.Values, header ...string) *http.Response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// want compares the status and Location.
func (c *client) want(res *http.Response, status int, location string) {
	c.t.Helper()
	if res.StatusCode != status || res.Header.Get("Location") != location {
		c.t.Errorf("%s %s: %s to %q, want %d to %q", res.Request.Method, res.Request.URL.Path,
			res.Status, res.Header.Get("Location"), status, location)
	}
}

func newTestSite(t *testing.T, st store.Store) *site {
	t.Helper()
	s, err := newSite(st, "right")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func token(t *testing.T, s *site) string {
	t.Helper()
	plain, _, err := s.tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + plain.Reveal()
}

// Each route with the guard of its clients.
func TestGuards(t *testing.T) {
	s := newTestSite(t, store.NewMemory())
	c, bearerToken := newClient(t, s.routes()), token(t, s)
	right := url.Values{"password": {"right"}, "next": {"/reports"}}

	c.want(c.do("GET", "/reports", nil, bearerToken), 303, "/login?next=%2Freports") // pages take no tokens
	c.want(c.do("POST", "/login", url.Values{"password": {"wrong"}}), 422, "")
	c.want(c.do("GET", "/api/whoami", nil), 401, "")
	c.want(c.do("POST", "/login", right, "Sec-Fetch-Site: cross-site"), 403, "")
	c.want(c.do("POST", "/login", url.Values{"password": {"wrong"}}, "Sec-Fetch-Site: cross-site"), 403, "")
	c.want(c.do("GET", "/api/whoami", nil), 401, "")

	c.want(c.do("POST", "/login", right), 303, "/reports")
	c.want(c.do("GET", "/reports", nil), 200, "")
	c.want(c.do("GET", "/api/whoami", nil), 200, "")
	c.want(c.do("GET", "/api/whoami", nil, "Authorization: Bearer junk"), 401, "") // no way on to the cookie
	c.want(c.do("POST", "/logout", nil, "Sec-Fetch-Site: cross-site"), 403, "")
	c.want(c.do("GET", "/reports", nil), 200, "")
	c.want(c.do("POST", "/logout", nil), 303, "/login")
	c.want(c.do("GET", "/reports", nil), 303, "/login?next=%2Freports")
}

// The sign-in returns to this site and to no other.
func TestReturnPath(t *testing.T) {
	c := newClient(t, newTestSite(t, store.NewMemory()).routes())
	for next, want := range map[string]string{
		"/reports?year=2026&q=%2F%2F": "/reports?year=2026&q=%2F%2F",
		"/api/whoami":                 "/api/whoami",
		"":                            "/reports",
		"reports":                     "/reports",
		"//evil.example":              "/reports",
		`/\evil.example`:              "/reports",
		"/\t/evil.example":            "/reports",
		"/\n/evil.example":            "/reports",
		"https://evil.example/":       "/reports",
		"https:evil.example":          "/reports",
		"javascript:alert(1)":         "/reports",
		"/.//evil.example":            "/evil.example", // a path, as it is cleaned
		" //evil.example":             "/reports",
	} {
		res := c.do("POST", "/login", url.Values{"password": {"right"}, "next": {next}})
		if got := res.Header.Get("Location"); res.StatusCode != 303 || got != want {
			t.Errorf("next %q: %s to %q, want %q", next, res.Status, got, want)
		}
	}
}

// An outage is no reason to sign in again.
func TestOutage(t *testing.T) {
	st := &failing{Store: store.NewMemory()}
	c := newClient(t, newTestSite(t, st).routes())
	c.want(c.do("POST", "/login", url.Values{"password": {"right"}}), 303, "/reports")
	st.down = true
	res := c.do("GET", "/reports", nil)
	c.want(res, 503, "")
	if len(res.Cookies()) != 0 || res.Header.Get("Retry-After") == "" {
		t.Errorf("header %v: want Retry-After and no cookie", res.Header)
	}
}

type failing struct {
	store.Store
	down bool
}

func (f *failing) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if f.down {
		return nil, errors.New("the store does not answer")
	}
	return f.Store.Find(ctx, k, d)
}

// What becomes of a route that has the wrong guard, or two of them, or one where
// there should be none.
func TestWrongGuard(t *testing.T) {
	s := newTestSite(t, store.NewMemory())
	page, api := http.HandlerFunc(reports), http.HandlerFunc(whoami)
	mux := http.NewServeMux()
	mux.Handle("/", s.routes())
	mux.Handle("GET /wrong/page", s.api.Require()(page))
	mux.Handle("GET /wrong/api", s.pages.Require()(api))
	mux.Handle("GET /wrong/both", s.pages.Require()(s.api.Require()(api)))
	mux.Handle("GET /wrong/both-turned", s.api.Require()(s.pages.Require()(api)))
	mux.Handle("GET /wrong/login", s.pages.Require()(http.HandlerFunc(loginForm)))
	c, bearerToken := newClient(t, mux), token(t, s)

	// A browser gets JSON, and no way to sign in.
	res := c.do("GET", "/wrong/page", nil)
	c.want(res, 401, "")
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the API's guard on a page: %s", got)
	}
	// A program with a good token is sent to a form; if it follows, to a 200.
	c.want(c.do("GET", "/wrong/api", nil, bearerToken), 303, "/login?next=%2Fwrong%2Fapi")
	// Two guards let through what both accept: tokens never.
	c.want(c.do("GET", "/wrong/both", nil, bearerToken), 303, "/login?next=%2Fwrong%2Fboth")
	c.want(c.do("GET", "/wrong/both-turned", nil, bearerToken), 303, "/login?next=%2Fwrong%2Fboth-turned")
	// A sign-in that takes a session sends to itself for ever.
	c.want(c.do("GET", "/wrong/login", nil), 303, "/login?next=%2Fwrong%2Flogin")
}

// The order of the authenticators in a Config makes no difference: cookies are
// asked last.
func TestOrder(t *testing.T) {
	s := newTestSite(t, store.NewMemory())
	turned, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s.sessions, s.tokens}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.routes())
	mux.Handle("GET /turned", turned.Require()(http.HandlerFunc(whoami)))
	c := newClient(t, mux)
	c.want(c.do("POST", "/login", url.Values{"password": {"right"}}), 303, "/reports")
	for _, path := range []string{"/api/whoami", "/turned"} {
		c.want(c.do("GET", path, nil), 200, "")
		c.want(c.do("GET", path, nil, "Authorization: Bearer junk"), 401, "")
		c.want(c.do("GET", path, nil, token(t, s)), 200, "")
	}
}
