package auth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// identifier is a scheme that answers with a context, and allocates nothing
// else.
type identifier struct{ *scheme }

var theAda = *ada("T")

func (s identifier) Itself() auth.Authenticator { return s }

func (s identifier) Identify(r *http.Request) (context.Context, error) {
	credentials, err := auth.HeaderCredentials(r.Header, s.name)
	switch {
	case err != nil:
		return nil, err
	case credentials != "T":
		return nil, auth.ErrInvalidCredentials
	}
	return auth.NewContext(r.Context(), &theAda), nil
}

// discard is a ResponseWriter that allocates nothing, for many responses.
type discard struct{ header http.Header }

func (w discard) Header() http.Header             { return w.header }
func (discard) WriteHeader(int)                   {}
func (discard) Write(b []byte) (int, error)       { return len(b), nil }
func (discard) WriteString(s string) (int, error) { return len(s), nil }

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
	authenticate := func(r *http.Request) func() {
		return func() { g.Authenticate(r, "reports:read") }
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
		{"Authenticate, valid", 1, authenticate(valid)},
		{"Authenticate, none", 0, authenticate(none)},
		{"Authenticate, malformed", 0, authenticate(malformed)},
		{"Authenticate, invalid", 0, authenticate(invalid)},
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
