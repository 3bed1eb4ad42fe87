package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// identifier is a scheme that answers with what it has verified, and allocates
// nothing.
type identifier struct{ *scheme }

var theAda = verified(*ada("T"))

func (s identifier) Itself() auth.Authenticator { return s }

func (s identifier) Identify(r *http.Request) (auth.Verified, error) {
	credentials, err := auth.HeaderCredentials(r.Header, s.name)
	switch {
	case err != nil:
		return nil, err
	case credentials != "T":
		return nil, auth.ErrInvalidCredentials
	}
	return &theAda, nil
}

// discard is a ResponseWriter that allocates nothing, for many responses.
type discard struct{ header http.Header }

func (w discard) Header() http.Header             { return w.header }
func (discard) WriteHeader(int)                   {}
func (discard) Write(b []byte) (int, error)       { return len(b), nil }
func (discard) WriteString(s string) (int, error) { return len(s), nil }

// A call of Authenticate: a method, as the compiler inlines nothing into a
// function within one that is inlined.
type call struct {
	g *auth.Guard
	r *http.Request
}

func (c call) authenticate() { c.g.Authenticate(c.r, "reports:read") }

func TestAllocations(t *testing.T) {
	g := guardOf(t, identifier{&scheme{name: "Bearer", realm: "api"}})
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	require, optional := g.Require("reports:read"), g.Optional(nothing)
	none, basic, malformed, invalid, valid := request(), request("Basic a"+strings.Repeat(",", 4000)), request("Bearer"), request("Bearer U"), request("Bearer T")
	huge := request("Bearer " + strings.Repeat(".", 900<<10))
	short := request("Bearer ,")
	authenticated, refused := require(nothing), require(never(t))

	w := discard{http.Header{}}
	through := func(h http.Handler, r *http.Request) func() {
		return func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	}
	header := func(r *http.Request) func() {
		return func() { auth.HeaderCredentials(r.Header, "Bearer") }
	}
	tests := []struct {
		name string
		max  float64
		f    func()
	}{
		{"Require, valid", 2, through(authenticated, valid)}, // the context, and the request that has it
		{"Require, none", 0, through(refused, none)},
		{"Require, another scheme", 0, through(refused, basic)},
		{"Require, malformed", 0, through(refused, malformed)},
		{"Require, invalid", 0, through(refused, invalid)},
		{"Require, 900 KiB", 0, through(refused, huge)}, // P6
		{"Optional, valid", 2, through(optional, valid)},
		{"Optional, none", 0, through(optional, none)},
		{"Authenticate, valid", 0, call{g, valid}.authenticate},
		{"Authenticate, none", 0, call{g, none}.authenticate},
		{"Authenticate, malformed", 0, call{g, malformed}.authenticate},
		{"Authenticate, invalid", 0, call{g, invalid}.authenticate},
		{"HeaderCredentials, valid", 0, header(valid)},
		{"HeaderCredentials, short and malformed", 0, header(short)},
		{"HeaderCredentials, 900 KiB", 0, header(huge)}, // P6: the same
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(200, tt.f); got > tt.max {
				t.Errorf("%v allocations, want at most %v", got, tt.max)
			}
		})
	}
}
