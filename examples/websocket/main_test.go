package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// A service is what the tests run, over TLS, as its cookie wants it.
type service struct {
	*httptest.Server
	tokens   *bearer.Tokens
	sessions *cookie.Sessions
	down     atomic.Bool
}

type flaky struct {
	store.Store
	*service
}

func (f flaky) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if f.down.Load() {
		return nil, errors.New("out of order")
	}
	return f.Store.Find(ctx, k, d)
}

func serve(t *testing.T, every time.Duration) *service {
	t.Helper()
	s := new(service)
	st := flaky{store.NewMemory(), s}
	var err error
	if s.tokens, err = bearer.New(bearer.Config{Store: st}); err != nil {
		t.Fatal(err)
	}
	if s.sessions, err = cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: st}); err != nil {
		t.Fatal(err)
	}
	handler, err := routes(s.tokens, s.sessions, every)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	return s
}

func (s *service) issue(t *testing.T) (authorization, id string) {
	t.Helper()
	plain, c, err := s.tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + plain.Reveal(), c.ID
}

// browser returns a client that has signed in.
func (s *service) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Transport: s.Client().Transport, Jar: jar}
	s.post(t, c, "/login")
	return c
}

func (s *service) post(t *testing.T, c *http.Client, path string) {
	t.Helper()
	res, err := c.Post(s.URL+path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 200 {
		t.Fatalf("%s: %s", path, res.Status)
	}
}

// dial opens a socket with headers, written as name and value.
func (s *service) dial(t *testing.T, c *http.Client, header ...string) (*websocket.Conn, int) {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, res, err := websocket.Dial(t.Context(), s.URL+"/socket", &websocket.DialOptions{HTTPClient: c, HTTPHeader: h})
	if err == nil {
		t.Cleanup(func() { conn.CloseNow() })
	} else if res == nil {
		t.Fatal(err)
	}
	return conn, res.StatusCode
}

// open checks that a socket is open, and greets and echoes.
func (s *service) open(t *testing.T, c *http.Client, header ...string) *websocket.Conn {
	t.Helper()
	conn, status := s.dial(t, c, header...)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("opening: %d", status)
	}
	hears(t, conn, "Hello, ada.")
	echoes(t, conn)
	return conn
}

func hears(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, got, err := conn.Read(ctx); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

func echoes(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	hears(t, conn, "ping")
}

// ends checks that conn is closed by the service, and with what.
func ends(t *testing.T, conn *websocket.Conn, code websocket.StatusCode, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, message, err := conn.Read(ctx)
	var e websocket.CloseError
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		t.Errorf("read %q, %v, want to be closed with %v %q", message, err, code, reason)
	}
}

func TestOpening(t *testing.T) {
	s := serve(t, time.Hour)
	token, _ := s.issue(t)
	revoked, id := s.issue(t)
	if err := s.tokens.Revoke(t.Context(), "ada", id); err != nil {
		t.Fatal(err)
	}
	program, browser := s.Client(), s.browser(t)
	const other = "https://evil.example.com"
	for _, c := range []struct {
		name   string
		client *http.Client
		status int
		header []string
	}{
		{"a program", program, 101, []string{"Authorization", token}},
		{"nobody", program, 401, nil},
		{"a revoked token", program, 401, []string{"Authorization", revoked}},
		{"a malformed one", program, 400, []string{"Authorization", "Bearer a b"}},
		{"a program on another site", program, 403, []string{"Authorization", token, "Origin", other}},
		{"a browser", browser, 101, []string{"Origin", s.URL, "Sec-Fetch-Site", "same-origin"}},
		{"an old browser", browser, 101, []string{"Origin", s.URL}},
		{"a browser on another site", browser, 403, []string{"Origin", other, "Sec-Fetch-Site", "cross-site"}},
		{"an old one there", browser, 403, []string{"Origin", other}},
		{"one on a neighbour", browser, 403, []string{"Origin", "https://x.127.0.0.1", "Sec-Fetch-Site", "same-site"}},
		{"a browser with a bad token", browser, 401, []string{"Authorization", revoked, "Origin", s.URL}},
	} {
		if _, status := s.dial(t, c.client, c.header...); status != c.status {
			t.Errorf("%s: %d, want %d", c.name, status, c.status)
		}
	}
	s.down.Store(true)
	if _, status := s.dial(t, program, "Authorization", token); status != 503 {
		t.Errorf("outage: %d", status)
	}
}

const invalid, outage = "The credentials are not valid.", "Authentication is temporarily unavailable."

// What ends while a connection is open ends the connection.
func TestEnding(t *testing.T) {
	s := serve(t, 50*time.Millisecond)
	token, id := s.issue(t)
	other, _ := s.issue(t)
	browser := s.browser(t)

	stays := s.open(t, s.Client(), "Authorization", other)
	byToken := s.open(t, s.Client(), "Authorization", token)
	if err := s.tokens.Revoke(t.Context(), "ada", id); err != nil {
		t.Fatal(err)
	}
	ends(t, byToken, websocket.StatusPolicyViolation, invalid)

	byCookie := s.open(t, browser, "Origin", s.URL)
	s.post(t, browser, "/logout")
	ends(t, byCookie, websocket.StatusPolicyViolation, invalid)

	echoes(t, stays)
	s.down.Store(true)
	ends(t, stays, websocket.StatusTryAgainLater, outage)
	s.down.Store(false)
	s.open(t, s.Client(), "Authorization", other)
}

// An expiry needs no check in between.
func TestExpiry(t *testing.T) {
	s := serve(t, time.Hour)
	token, id := s.issue(t)
	if _, _, err := s.tokens.Rotate(t.Context(), "ada", id, time.Second); err != nil {
		t.Fatal(err)
	}
	ends(t, s.open(t, s.Client(), "Authorization", token), websocket.StatusPolicyViolation, invalid)
}
