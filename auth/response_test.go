package auth_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// C8: no-store on what was authenticated and on what was refused, unless the
// handler says otherwise; Vary on everything.
func TestResponseHeaders_C8(t *testing.T) {
	g := guardOf(t, bearer(ada("T"), nil), session)
	cacheable := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Add("Vary", "Accept")
		w.WriteHeader(http.StatusAccepted)
	})
	tests := []struct {
		name    string
		handler http.Handler
		lines   []string
		status  int
		cache   []string
		vary    []string
	}{
		{"authenticated", g.Require()(echo), []string{"Bearer T"}, 200, []string{"no-store"}, []string{"Origin", "Authorization, Cookie"}},
		{"authenticated, Optional", g.Optional(echo), []string{"Bearer T"}, 200, []string{"no-store"}, []string{"Origin", "Authorization, Cookie"}},
		{"anonymous", g.Optional(echo), nil, 200, nil, []string{"Origin", "Authorization, Cookie"}},
		{"refused", g.Require()(echo), nil, 401, []string{"no-store"}, []string{"Origin", "Authorization, Cookie"}},
		{"refused, Optional", g.Optional(echo), []string{"Bearer"}, 400, []string{"no-store"}, []string{"Origin", "Authorization, Cookie"}},
		{"the handler's own", g.Require()(cacheable), []string{"Bearer T"}, 202, []string{"private, max-age=60"}, []string{"Origin", "Authorization, Cookie", "Accept"}},
		{"the handler's own, anonymous", g.Optional(cacheable), nil, 202, []string{"private, max-age=60"}, []string{"Origin", "Authorization, Cookie", "Accept"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Vary", "Origin")
				w.Header().Set("X-Outer", "kept")
				tt.handler.ServeHTTP(w, r)
			})
			got := serve(outer, request(tt.lines...))
			if got.Status != tt.status || got.Header.Get("X-Outer") != "kept" {
				t.Errorf("%v, want %d with what was set before", got, tt.status)
			}
			if cache := got.Header["Cache-Control"]; !reflect.DeepEqual(cache, tt.cache) {
				t.Errorf("Cache-Control %q, want %q", cache, tt.cache)
			}
			if vary := got.Header["Vary"]; !reflect.DeepEqual(vary, tt.vary) {
				t.Errorf("Vary %q, want %q", vary, tt.vary)
			}
		})
	}
}

func TestVary(t *testing.T) {
	header, cookie := bearer(nil, nil), session
	tests := []struct {
		name    string
		schemes []auth.Authenticator
		want    []string
	}{
		{"header", []auth.Authenticator{header}, []string{"Authorization"}},
		{"cookie", []auth.Authenticator{cookie}, []string{"Cookie"}},
		{"both", []auth.Authenticator{header, cookie}, []string{"Authorization, Cookie"}},
		{"several", []auth.Authenticator{answers["none"], header, cookie, ambient{answers["none"]}}, []string{"Authorization, Cookie"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := serve(guardOf(t, tt.schemes...).Require()(never(t)), request()).Header["Vary"]; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Vary %q, want %q", got, tt.want)
			}
		})
	}
}

// The values of headers are shared between responses. Whoever adds to them adds
// to one response alone.
func TestAddedHeadersAreOfOneResponse(t *testing.T) {
	names := []string{"Cache-Control", "Content-Type", "Vary", "Www-Authenticate", "Retry-After"}
	value := ""
	add := func(w http.ResponseWriter) {
		for _, name := range names {
			w.Header().Add(name, value)
		}
	}
	check := func(t *testing.T, h http.Handler) {
		t.Helper()
		value = "first"
		first := serve(h, request("Bearer T"))
		value = "second"
		second := serve(h, request("Bearer T"))
		for _, name := range names {
			a, b := first.Header[name], second.Header[name]
			if len(a) != len(b) || a[len(a)-1] != "first" || b[len(b)-1] != "second" {
				t.Errorf("%s: %q, then %q", name, a, b)
			}
		}
	}
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, auth.Config{
				Authenticators: []auth.Authenticator{&scheme{name: "ApiKey", realm: "keys"}, bearer(nil, tt.err)},
				Refuse: func(w http.ResponseWriter, r *http.Request, e *auth.Error) {
					auth.WriteProblem(w, r, e)
					add(w)
				},
			})
			check(t, g.Require("reports:read")(never(t)))
		})
	}
	t.Run("authenticated", func(t *testing.T) {
		check(t, guardOf(t, bearer(ada("T"), nil)).Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { add(w) })))
	})
}

// The handler gets the very ResponseWriter that the Guard got, with all that it
// can do.
func TestResponseWriterIsPassedOn(t *testing.T) {
	g := guardOf(t, bearer(ada("T"), nil))
	for name, guard := range map[string]func(http.Handler) http.Handler{"Require": g.Require(), "Optional": g.Optional} {
		t.Run(name, func(t *testing.T) {
			for _, lines := range [][]string{{"Bearer T"}, nil} {
				w := httptest.NewRecorder()
				var got http.ResponseWriter
				h := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w }))
				h.ServeHTTP(w, request(lines...))
				if got != nil && got != w || got == nil && w.Code == 200 {
					t.Errorf("the handler got %T, want the recorder itself", got)
				}
			}
		})
	}
	t.Run("abilities", func(t *testing.T) {
		path := mount(t, g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, flusher := w.(http.Flusher)
			_, hijacker := w.(http.Hijacker)
			_, readerFrom := w.(io.ReaderFrom)
			fmt.Fprint(w, flusher, hijacker, readerFrom)
		})))
		if status, _, body := exchange(t, "GET", path, "Authorization: Bearer T"); status != 200 || body != "true true true" {
			t.Errorf("%d %q, want a Flusher, a Hijacker and a ReaderFrom", status, body)
		}
	})
	t.Run("hijack", func(t *testing.T) {
		path := mount(t, g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nhijacked")
		})))
		answer, err := io.ReadAll(dial(t, "GET", path, "Authorization: Bearer T"))
		if err != nil || !strings.HasSuffix(string(answer), "hijacked") {
			t.Errorf("%q, %v, want what the handler wrote", answer, err)
		}
	})
	t.Run("flush", func(t *testing.T) {
		read := make(chan struct{})
		defer close(read)
		path := mount(t, g.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "first\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-read // the client has what was flushed before the handler ends
		})))
		resp, err := http.ReadResponse(bufio.NewReader(dial(t, "GET", path, "Authorization: Bearer T")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "first\n" || err != nil {
			t.Errorf("%q, %v, want the first line", line, err)
		}
	})
}

// A Guard within a Guard does not say the same twice. C8
func TestVaryOnce(t *testing.T) {
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{answers["ada"]}})
	w := httptest.NewRecorder()
	w.Header().Add("Vary", "Accept-Encoding")
	g.Optional(g.Require()(echo)).ServeHTTP(w, request())
	if got, want := w.Header()["Vary"], []string{"Accept-Encoding", "Authorization"}; !slices.Equal(got, want) {
		t.Errorf("Vary %q, want %q", got, want)
	}
}
