package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// The answers that the rows of TestGuardOrder name. "~" before a name makes the
// authenticator ambient.
var answers = map[string]auth.AuthenticatorFunc{
	"ada":          answering(&auth.Identity{Subject: "ada"}, nil),
	"bob":          answering(&auth.Identity{Subject: "bob"}, nil),
	"none":         answering(nil, auth.ErrNoCredentials),
	"none wrapped": answering(nil, fmt.Errorf("keys: %w: no header", auth.ErrNoCredentials)),
	"malformed":    answering(nil, auth.ErrMalformed),
	"invalid":      answering(nil, fmt.Errorf("keys: %w: revoked", auth.ErrInvalidCredentials)),
	"scope":        answering(nil, auth.ErrInsufficientScope),
	"cross-origin": answering(nil, auth.ErrCrossOrigin),
	"throttled":    answering(nil, auth.ErrThrottled),
	"outage":       answering(nil, errDown),
	"nothing":      answering(nil, nil),
	"nobody":       answering(&auth.Identity{}, nil),
	"ada, refused": answering(&auth.Identity{Subject: "ada"}, auth.ErrInvalidCredentials),
	"ada, none":    answering(&auth.Identity{Subject: "ada"}, auth.ErrNoCredentials),
	"panic":        func(*http.Request) (*auth.Identity, error) { panic("a bug") },
}

func TestGuardOrder(t *testing.T) {
	tests := []struct {
		name           string
		authenticators []string
		asked          []string
		status         int
		subject        string
	}{
		// An identity ends the search, and so does any error but ErrNoCredentials.
		{name: "recognised", authenticators: []string{"ada", "bob"}, asked: []string{"ada"}, status: 200, subject: "ada"},
		{name: "none", authenticators: []string{"none", "ada"}, asked: []string{"none", "ada"}, status: 200, subject: "ada"},
		{name: "none, wrapped", authenticators: []string{"none wrapped", "ada"}, asked: []string{"none wrapped", "ada"}, status: 200, subject: "ada"},
		{name: "none of all", authenticators: []string{"none", "none wrapped"}, asked: []string{"none", "none wrapped"}, status: 401},
		{name: "malformed", authenticators: []string{"malformed", "ada"}, asked: []string{"malformed"}, status: 400},
		{name: "invalid", authenticators: []string{"none", "invalid", "ada"}, asked: []string{"none", "invalid"}, status: 401},
		{name: "scope", authenticators: []string{"scope", "ada"}, asked: []string{"scope"}, status: 403},
		{name: "cross-origin", authenticators: []string{"cross-origin", "ada"}, asked: []string{"cross-origin"}, status: 403},
		{name: "throttled", authenticators: []string{"throttled", "ada"}, asked: []string{"throttled"}, status: 429},
		{name: "outage", authenticators: []string{"outage", "ada"}, asked: []string{"outage"}, status: 503},
		{name: "neither identity nor error", authenticators: []string{"nothing", "ada"}, asked: []string{"nothing"}, status: 503},
		{name: "identity without subject", authenticators: []string{"nobody", "ada"}, asked: []string{"nobody"}, status: 503},
		{name: "panic", authenticators: []string{"panic", "ada"}, asked: []string{"panic"}, status: 503},

		// An error counts, whatever comes with it.
		{name: "identity and error", authenticators: []string{"ada, refused", "bob"}, asked: []string{"ada, refused"}, status: 401},
		{name: "identity and none", authenticators: []string{"ada, none", "none"}, asked: []string{"ada, none", "none"}, status: 401},

		// Ambient ones are asked last; otherwise the order is that of Config.
		{name: "ambient first", authenticators: []string{"~ada", "none"}, asked: []string{"none", "~ada"}, status: 200, subject: "ada"},
		{name: "ambient not needed", authenticators: []string{"~ada", "bob"}, asked: []string{"bob"}, status: 200, subject: "bob"},
		{name: "order is kept", authenticators: []string{"~none", "none", "~none wrapped", "none wrapped"},
			asked: []string{"none", "none wrapped", "~none", "~none wrapped"}, status: 401},
		{name: "ambient refused", authenticators: []string{"none", "~invalid", "~ada"}, asked: []string{"none", "~invalid"}, status: 401},

		// P9: what a header scheme refuses or cannot check is no matter for a cookie.
		{name: "ambient after malformed", authenticators: []string{"~ada", "malformed"}, asked: []string{"malformed"}, status: 400},
		{name: "ambient after invalid", authenticators: []string{"~ada", "invalid"}, asked: []string{"invalid"}, status: 401},
		{name: "ambient after throttled", authenticators: []string{"~ada", "throttled"}, asked: []string{"throttled"}, status: 429},
		{name: "ambient after outage", authenticators: []string{"~ada", "outage"}, asked: []string{"outage"}, status: 503},
		{name: "ambient after panic", authenticators: []string{"~ada", "panic"}, asked: []string{"panic"}, status: 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			var authenticators []auth.Authenticator
			for _, name := range tt.authenticators {
				plain, isAmbient := strings.CutPrefix(name, "~")
				var a auth.Authenticator = auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
					asked = append(asked, name)
					return answers[plain](r)
				})
				if isAmbient {
					a = ambient{a}
				}
				authenticators = append(authenticators, a)
			}
			subject := ""
			h := guardOf(t, authenticators...).Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				id, _ := auth.FromContext(r.Context())
				subject = id.Subject
			}))
			got := serve(h, request())
			if got.Status != tt.status || subject != tt.subject {
				t.Errorf("status %d, subject %q, want %d, %q", got.Status, subject, tt.status, tt.subject)
			}
			if !reflect.DeepEqual(asked, tt.asked) {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
		})
	}
}

// P9, as a browser and a client see it: the cookie is valid, and first in
// Config.
func TestRefusedHeaderNeverFallsThroughToCookie_P9(t *testing.T) {
	tests := []struct {
		name, authorization string
		err                 error
		status              int
		body                string
	}{
		{"no header", "", nil, 200, "grace "},
		{"another scheme's header", "Basic eA==", nil, 200, "grace "},
		{"valid header", "Bearer T", nil, 200, "ada T"},
		{"invalid header", "Bearer T", auth.ErrInvalidCredentials, 401, ""},
		{"malformed header", "Bearer", nil, 400, ""},
		{"oversized header", "Bearer " + strings.Repeat("T", 4096), nil, 400, ""},
		{"joined header", "Basic eA==, Bearer T", nil, 400, ""},
		{"outage", "Bearer T", errDown, 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := guardOf(t, session, bearer(ada("T"), tt.err)).Require()(echo)
			r := request()
			r.Header.Set("Cookie", "session=grace")
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			got := serve(h, r)
			if got.Status != tt.status || got.Status == 200 && got.Body != tt.body {
				t.Errorf("%d %q, want %d %q", got.Status, got.Body, tt.status, tt.body)
			}
		})
	}
}

func TestRequirePanics(t *testing.T) {
	g := guardOf(t, answers["ada"])
	tests := []struct {
		name string
		make func()
		want string // "": none
	}{
		{"no scopes", func() { g.Require() }, ""},
		{"scopes", func() { g.Require("reports:read", "*", "!", "~", "a.b/c") }, ""},
		{"empty scope", func() { g.Require("") }, `auth: Require: scope "": `},
		{"second scope", func() { g.Require("a", "b c") }, `auth: Require: scope "b c": `},
		{"quote", func() { g.Require(`a"b`) }, `auth: Require: scope "a\"b": `},
		{"backslash", func() { g.Require(`a\b`) }, `auth: Require: scope "a\\b": `},
		{"newline", func() { g.Require("a\r\nb") }, `auth: Require: scope "a\r\nb": `}, // C2
		{"delete", func() { g.Require("a\x7f") }, `auth: Require: scope "a\x7f": `},
		{"non-ASCII", func() { g.Require("é") }, `auth: Require: scope "é": `},
		{"no handler", func() { g.Require()(nil) }, "auth: Require: nil handler"},
		{"no handler of Optional", func() { g.Optional(nil) }, "auth: Optional: nil handler"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				got := ""
				if v := recover(); v != nil {
					got = fmt.Sprint(v)
				}
				if !strings.HasPrefix(got, tt.want) || got != "" && tt.want == "" {
					t.Errorf("panic %q, want %q", got, tt.want)
				}
			}()
			tt.make()
		})
	}
}

func TestRequireCopiesScopes(t *testing.T) {
	scopes := []string{"reports:read"}
	h := guardOf(t, bearer(&auth.Identity{Subject: "ada", Scopes: []string{"reports:write"}}, nil)).Require(scopes...)(never(t))
	scopes[0] = "reports:write"
	got := serve(h, request("Bearer T"))
	want := []string{`Bearer realm="api", error="insufficient_scope", scope="reports:read"`}
	if got.Status != 403 || !reflect.DeepEqual(got.Header["Www-Authenticate"], want) {
		t.Errorf("%v, want 403 %q", got, want)
	}
}

func TestZeroGuard(t *testing.T) {
	g := new(auth.Guard)
	for name, h := range map[string]http.Handler{"Require": g.Require("a")(never(t)), "Optional": g.Optional(never(t))} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*http.Request{request(), request("Bearer T")} {
				got := serve(h, r)
				if got.Status != 503 || got.Header.Get("Cache-Control") != "no-store" || got.Body != bodyOf(auth.ErrUnavailable) {
					t.Errorf("%v, want 503 %q", got, bodyOf(auth.ErrUnavailable))
				}
			}
		})
	}
	t.Run("Authenticate", func(t *testing.T) {
		if id, err := g.Authenticate(request("Bearer T")); id != nil || !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%v, %v, want nil, %v", id, err, auth.ErrUnavailable)
		}
	})
}

// Guards may stand behind each other: each answers for its own schemes.
func TestNestedGuards(t *testing.T) {
	inner := guardOf(t, session).Require()(echo)
	h := guardOf(t, bearer(ada("T"), nil)).Require()(inner)
	r := request("Bearer T")
	if got := serve(h, r); got.Status != 401 {
		t.Errorf("without a cookie: %v, want 401", got)
	}
	r.Header.Set("Cookie", "session=grace")
	got := serve(h, r)
	if got.Body != "grace " || !reflect.DeepEqual(got.Header["Vary"], []string{"Authorization", "Cookie"}) {
		t.Errorf("with both: %v, want grace, and both in Vary", got)
	}
}
