package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/keystile/keystile/auth"
)

// Optional lets pass those who carry nothing, and nobody who carries something
// that is refused.
func TestOptional(t *testing.T) {
	for _, tt := range refusals {
		for name, err := range map[string]error{"": tt.err, "/wrapped": fmt.Errorf("tokens: %w", tt.err)} {
			t.Run(tt.name+name, func(t *testing.T) {
				g := tt.guard(t, err)
				if tt.kind == auth.ErrNoCredentials {
					got := serve(g.Optional(echo), request("Bearer T"))
					want := response{200, http.Header{"Vary": {"Authorization"}}, "nobody"} // C8: no no-store
					got.Header.Del("Content-Type")                                          // sniffed by the recorder
					if !reflect.DeepEqual(got, want) {
						t.Errorf("got  %v\nwant %v", got, want)
					}
					return
				}
				// As Require refuses it, with no scopes to tell.
				want := serve(g.Require()(never(t)), request("Bearer T"))
				got := serve(g.Optional(never(t)), request("Bearer T"))
				if got.Status != tt.status || got.Body != tt.body {
					t.Errorf("%v, want %d %q", got, tt.status, tt.body)
				}
				if tt.kind != auth.ErrInsufficientScope && !reflect.DeepEqual(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			})
		}
	}
	g := guardOf(t, bearer(ada("T"), nil), session)
	requests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"identity", []string{"Bearer T"}, "200 ada T"},
		{"no header", nil, "200 nobody"},
		{"empty header", []string{""}, "200 nobody"},
		{"another scheme's header", []string{"Basic eA=="}, "200 nobody"},
		{"malformed header", []string{"Bearer"}, "400 " + bodyOf(auth.ErrMalformed)},
		{"two headers", []string{"Bearer T", "Bearer T"}, "400 " + bodyOf(auth.ErrMalformed)},
	}
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(g.Optional(echo), request(tt.lines...))
			if s := fmt.Sprint(got.Status, " ", got.Body); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

// Who passes without credentials is nobody, whoever the context names: only
// what this Guard recognised counts.
func TestOptionalForgetsOtherIdentities(t *testing.T) {
	type key struct{}
	r := request()
	ctx := context.WithValue(r.Context(), key{}, "kept")
	r = r.WithContext(auth.NewContext(ctx, &auth.Identity{Subject: "mallory"}))
	var kept any
	h := guardOf(t, bearer(nil, nil)).Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept = r.Context().Value(key{})
		echo(w, r)
	}))
	if got := serve(h, r); got.Body != "nobody" || kept != "kept" {
		t.Errorf("the handler saw %q and %v, want nobody and the rest of the context", got.Body, kept)
	}
	if id, ok := auth.FromContext(r.Context()); !ok || id.Subject != "mallory" {
		t.Errorf("the request itself now has %+v", id)
	}
}

// The same of Require: its identity replaces whatever was there.
func TestRequireReplacesOtherIdentities(t *testing.T) {
	type key struct{}
	var kept any
	h := guardOf(t, bearer(ada("T"), nil)).Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept = r.Context().Value(key{})
		echo(w, r)
	}))
	mallory := auth.NewContext(context.WithValue(t.Context(), key{}, "kept"), &auth.Identity{Subject: "mallory"})
	if got := serve(h, request("Bearer T").WithContext(mallory)); got.Body != "ada T" || kept != "kept" {
		t.Errorf("the handler saw %q and %v, want ada and the rest of the context", got.Body, kept)
	}
	if got := serve(h, request().WithContext(mallory)); got.Status != 401 {
		t.Errorf("%v, want 401", got)
	}
}
