package auth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/auth"
)

// A scheme is an authenticator as a host would write it: it reads the
// Authorization header, answers through lookup, and counts.
type scheme struct {
	name, realm string
	lookup      func(r *http.Request, credentials string) (*auth.Identity, error) // nil: ada, whatever the credentials

	asked, lookups atomic.Int32
}

func (s *scheme) Authenticate(r *http.Request) (*auth.Identity, error) {
	s.asked.Add(1)
	credentials, err := auth.HeaderCredentials(r.Header, s.name)
	if err != nil {
		return nil, err
	}
	s.lookups.Add(1)
	if s.lookup == nil {
		return ada(credentials), nil
	}
	return s.lookup(r, credentials)
}

func (s *scheme) Challenge(reason error, scopes []string) auth.Challenge {
	c := auth.Challenge{Scheme: s.name}
	if s.realm != "" {
		c.Params = append(c.Params, [2]string{"realm", s.realm})
	}
	switch reason {
	case auth.ErrMalformed:
		c.Params = append(c.Params, [2]string{"error", "invalid_request"})
	case auth.ErrInvalidCredentials:
		c.Params = append(c.Params, [2]string{"error", "invalid_token"})
	case auth.ErrInsufficientScope:
		c.Params = append(c.Params, [2]string{"error", "insufficient_scope"}, [2]string{"scope", strings.Join(scopes, " ")})
	}
	return c
}

// ada is who most requests of these tests come from.
func ada(credential string) *auth.Identity {
	return &auth.Identity{Subject: "ada", Scheme: "Bearer", Credential: credential, Scopes: []string{auth.AllScopes}}
}

// bearer returns a scheme whose every answer is id and err.
func bearer(id *auth.Identity, err error) *scheme {
	return &scheme{name: "Bearer", realm: "api", lookup: func(*http.Request, string) (*auth.Identity, error) { return id, err }}
}

// answering returns a scheme without a header: every request is from id, or
// refused with err.
func answering(id *auth.Identity, err error) auth.AuthenticatorFunc {
	return func(*http.Request) (*auth.Identity, error) { return id, err }
}

// ambient makes a scheme one whose credentials a browser attaches by itself.
type ambient struct{ auth.Authenticator }

func (ambient) Ambient() {}

// session is an ambient scheme of one cookie, whose value is the subject.
var session = ambient{auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return nil, auth.ErrNoCredentials
	}
	return &auth.Identity{Subject: c.Value, Scheme: "Cookie", Scopes: []string{auth.AllScopes}}, nil
})}

// errDown stands for whatever a dead database says.
var errDown = errors.New("dial tcp 192.0.2.1:5432: connection refused")

func newGuard(t testing.TB, cfg auth.Config) *auth.Guard {
	t.Helper()
	g, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// guardOf returns a Guard of some schemes and nothing else.
func guardOf(t testing.TB, authenticators ...auth.Authenticator) *auth.Guard {
	t.Helper()
	return newGuard(t, auth.Config{Authenticators: authenticators})
}

// request returns a request with these Authorization lines.
func request(lines ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if lines != nil {
		r.Header["Authorization"] = lines
	}
	return r
}

// echo writes who the request is from.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, ok := auth.FromContext(r.Context())
	if !ok {
		io.WriteString(w, "nobody")
		return
	}
	io.WriteString(w, id.Subject+" "+id.Credential)
})

// never fails the test if a request reaches it.
func never(t testing.TB) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Helper()
		t.Error("the handler was called")
	})
}

// A response is all that a client sees, for comparing.
type response struct {
	Status int
	Header http.Header
	Body   string
}

func (r response) String() string { return fmt.Sprintf("%d %q %q", r.Status, r.Header, r.Body) }

// serve returns what h answers to r.
func serve(h http.Handler, r *http.Request) response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}
