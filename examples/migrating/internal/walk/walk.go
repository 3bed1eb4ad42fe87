// Package walk is for the tests of migrations: a service that is deployed anew
// while its clients stay.
package walk

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/auth"
)

// A Service is one address, with TLS, at which one handler after another serves.
type Service struct {
	t       testing.TB
	server  *httptest.Server
	handler atomic.Pointer[http.Handler]
	event   atomic.Pointer[auth.Event]
}

// Start starts a Service that ends with the test.
func Start(t testing.TB) *Service {
	s := &Service{t: t}
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	return s
}

// Deploy puts h in the place of what served before.
func (s *Service) Deploy(h http.Handler, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.handler.Store(&h)
}

// Observe is for auth.Config.
func (s *Service) Observe(_ context.Context, ev auth.Event) { s.event.Store(&ev) }

// By wants the last request to have been authenticated by that scheme.
func (s *Service) By(scheme string) {
	s.t.Helper()
	ev := s.event.Load()
	if ev == nil || ev.Type != auth.Authenticated || ev.Scheme != scheme {
		s.t.Errorf("the last event is %+v, want one that was authenticated by %q", ev, scheme)
	}
}

// A Client of a Service keeps cookies, and sends its own headers with every
// request.
type Client struct {
	s      *Service
	http   *http.Client
	header http.Header
}

// Client returns a new Client. The headers are pairs of a name and a value.
func (s *Service) Client(header ...string) *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &Client{s: s, http: &http.Client{Transport: s.server.Client().Transport, Jar: jar}}
	return c.With(header...)
}

// With returns a client with the cookies of c, and with more headers.
func (c *Client) With(header ...string) *Client {
	d := &Client{s: c.s, http: c.http, header: c.header.Clone()}
	if d.header == nil {
		d.header = make(http.Header)
	}
	for i := 0; i < len(header); i += 2 {
		d.header.Set(header[i], header[i+1])
	}
	return d
}

// Want sends a request, with a form if there is one, wants this status, and
// returns the body.
func (c *Client) Want(status int, method, path, form string) string {
	t := c.s.t
	t.Helper()
	r, err := http.NewRequest(method, c.s.server.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("%s %s: %s, want %d: %s", method, path, res.Status, status, body)
	}
	return strings.TrimSpace(string(body))
}

// Has reports whether c has a cookie of that name.
func (c *Client) Has(name string) bool {
	r, _ := http.NewRequest("GET", c.s.server.URL, nil)
	for _, cookie := range c.http.Jar.Cookies(r.URL) {
		if cookie.Name == name {
			return true
		}
	}
	return false
}
