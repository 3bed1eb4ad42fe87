package auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// A refusal is a row of the Guard's table: what an authenticator's error turns
// into, byte for byte, under the schemes ApiKey and Bearer, of which Bearer
// refused.
type refusal struct {
	name   string
	err    error
	kind   error // what errors.Is says of the *Error
	status int
	header http.Header
	detail string
	body   string
}

var refusals = []refusal{
	{
		name: "no credentials", err: auth.ErrNoCredentials, kind: auth.ErrNoCredentials, status: 401,
		header: http.Header{"Www-Authenticate": {`ApiKey realm="keys"`, `Bearer realm="api"`}},
		detail: "Authentication is required.",
		body:   `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Authentication is required."}` + "\n",
	}, {
		name: "malformed", err: auth.ErrMalformed, kind: auth.ErrMalformed, status: 400,
		header: http.Header{"Www-Authenticate": {`Bearer realm="api", error="invalid_request"`}},
		detail: "The credentials are malformed.",
		body:   `{"type":"about:blank","title":"Bad Request","status":400,"detail":"The credentials are malformed."}` + "\n",
	}, {
		name: "invalid", err: auth.ErrInvalidCredentials, kind: auth.ErrInvalidCredentials, status: 401,
		header: http.Header{"Www-Authenticate": {`ApiKey realm="keys"`, `Bearer realm="api", error="invalid_token"`}},
		detail: "The credentials are not valid.",
		body:   `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}` + "\n",
	}, {
		name: "insufficient scope", err: auth.ErrInsufficientScope, kind: auth.ErrInsufficientScope, status: 403,
		header: http.Header{"Www-Authenticate": {`Bearer realm="api", error="insufficient_scope", scope="reports:read"`}},
		detail: "The credentials do not allow this.",
		body:   `{"type":"about:blank","title":"Forbidden","status":403,"detail":"The credentials do not allow this."}` + "\n",
	}, {
		name: "cross-origin", err: auth.ErrCrossOrigin, kind: auth.ErrCrossOrigin, status: 403,
		detail: "Cross-origin request refused.",
		body:   `{"type":"about:blank","title":"Forbidden","status":403,"detail":"Cross-origin request refused."}` + "\n",
	}, {
		name: "throttled", err: auth.ErrThrottled, kind: auth.ErrThrottled, status: 429,
		header: http.Header{"Retry-After": {"60"}},
		detail: "Too many failed attempts.",
		body:   `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Too many failed attempts."}` + "\n",
	}, {
		name: "unavailable", err: auth.ErrUnavailable, kind: auth.ErrUnavailable, status: 503,
		header: http.Header{"Retry-After": {"5"}},
		detail: "Authentication is temporarily unavailable.",
		body:   `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Authentication is temporarily unavailable."}` + "\n",
	}, {
		name: "anything else", err: errDown, kind: auth.ErrUnavailable, status: 503,
		header: http.Header{"Retry-After": {"5"}},
		detail: "Authentication is temporarily unavailable.",
		body:   `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Authentication is temporarily unavailable."}` + "\n",
	},
}

// bodyOf returns the body of the refusals that are kind.
func bodyOf(kind error) string {
	i := slices.IndexFunc(refusals, func(tt refusal) bool { return tt.kind == kind })
	return refusals[i].body
}

// guard returns a Guard under which a request "Bearer ..." is refused with err.
func (tt refusal) guard(t testing.TB, err error) *auth.Guard {
	return guardOf(t, &scheme{name: "ApiKey", realm: "keys"}, bearer(nil, err))
}

// response returns what the client gets.
func (tt refusal) response() response {
	h := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "Vary": {"Authorization"}}
	for name, values := range tt.header {
		h[name] = values
	}
	return response{tt.status, h, tt.body}
}

// coded is an error that is not made with fmt.Errorf.
type coded struct{ error }

func (c coded) Unwrap() error { return c.error }

// C8: no-store on every refusal.
func TestRefusal(t *testing.T) {
	for _, tt := range refusals {
		for name, err := range map[string]error{
			"":                tt.err,
			"/wrapped":        fmt.Errorf("tokens: %w: expired", tt.err),
			"/wrapped twice":  fmt.Errorf("chain: %w", coded{tt.err}),
			"/with its cause": fmt.Errorf("%w: %w", tt.err, errDown),
			"/joined":         errors.Join(io.ErrUnexpectedEOF, tt.err),
		} {
			t.Run(tt.name+name, func(t *testing.T) {
				h := tt.guard(t, err).Require("reports:read")(never(t))
				if got, want := serve(h, request("Bearer T")), tt.response(); !reflect.DeepEqual(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			})
		}
	}
}

// An error that is of several kinds is final as long as one of them is.
func TestRefusalOfSeveralKinds(t *testing.T) {
	for _, tt := range refusals {
		if tt.kind == auth.ErrNoCredentials || tt.kind == auth.ErrUnavailable {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			h := tt.guard(t, errors.Join(auth.ErrNoCredentials, tt.err)).Require("reports:read")(never(t))
			if got, want := serve(h, request("Bearer T")), tt.response(); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// C4: nothing of the request and nothing of the cause is in the response.
func TestRefusalEchoesNothing_C4(t *testing.T) {
	const canary = "cAnArY7f3a"
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			cause := fmt.Errorf("%w: %s", tt.err, canary)
			r := httptest.NewRequest("POST", "/"+canary+"?q="+canary, strings.NewReader(canary))
			r.Host = canary
			for _, name := range []string{"Cookie", "User-Agent", "Origin", "Referer", "X-Request-Id", "Accept", canary} {
				r.Header.Set(name, canary)
			}
			r.Header.Set("Authorization", "Bearer "+canary)
			w := httptest.NewRecorder()
			tt.guard(t, cause).Require("reports:read")(never(t)).ServeHTTP(w, r)
			dump, err := httputil.DumpResponse(w.Result(), true)
			if err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || strings.Contains(strings.ToLower(string(dump)), strings.ToLower(canary)) {
				t.Errorf("status %d, want %d without %s:\n%s", w.Code, tt.status, canary, dump)
			}
		})
	}
}

// C5: RFC 9457.
func TestRefusalIsProblemJSON_C5(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(tt.guard(t, tt.err).Require("reports:read")(never(t)), request("Bearer T"))
			var problem map[string]any
			if err := json.Unmarshal([]byte(got.Body), &problem); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"type":   "about:blank", // which makes the title that of the status: section 4.2.1
				"title":  http.StatusText(tt.status),
				"status": float64(tt.status),
				"detail": tt.detail,
			}
			if !reflect.DeepEqual(problem, want) {
				t.Errorf("body %v, want %v", problem, want)
			}
		})
	}
}

// C5: HEAD gets the status and the headers, and no body.
func TestRefusalOfHEAD_C5(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.guard(t, tt.err).Require("reports:read")(never(t))
			r := request("Bearer T")
			r.Method = http.MethodHead
			want := tt.response()
			want.Body = ""
			if got := serve(h, r); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}

			status, header, body := exchange(t, "HEAD", mount(t, h), "Authorization: Bearer T")
			for _, name := range []string{"Connection", "Date"} { // net/http's own
				header.Del(name)
			}
			if got := (response{status, header, body}); !reflect.DeepEqual(got, want) {
				t.Errorf("a real server: got  %v\nwant %v", got, want)
			}
		})
	}
}

// Refuse gets a response whose headers are set and whose status is not.
func TestRefuse(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{&scheme{name: "ApiKey", realm: "keys"}, bearer(nil, tt.err)},
				Refuse: func(w http.ResponseWriter, r *http.Request, e *auth.Error) {
					calls++
					if !errors.Is(e, tt.kind) || e.Status() != tt.status || e.Detail() != tt.detail {
						t.Errorf("%v, %d, %q, want %v, %d, %q", e, e.Status(), e.Detail(), tt.kind, tt.status, tt.detail)
					}
					if _, ok := auth.FromContext(r.Context()); ok {
						t.Error("the request carries an identity")
					}
					http.Redirect(w, r, "/login", http.StatusSeeOther)
				},
			})
			got := serve(g.Require("reports:read")(never(t)), request("Bearer T"))
			want := tt.response().Header
			want["Location"] = []string{"/login"}
			want["Content-Type"] = []string{"text/html; charset=utf-8"}
			if calls != 1 || got.Status != 303 || !reflect.DeepEqual(got.Header, want) {
				t.Errorf("%d calls, %v, want 1, 303 %q", calls, got, want)
			}
			if _, err := g.Authenticate(request("Bearer T")); err == nil || calls != 1 {
				t.Errorf("Authenticate: %v and %d calls, want an error alone", err, calls-1)
			}
		})
	}
}
