package cookie_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestClearing refuses requests for every reason. Only a cookie that is of no
// use any more is cleared.
func TestClearing(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		people := accounts{"ada": {}, "disabled": {Disabled: true}, "recalled": {NotBefore: time.Now().Add(time.Hour)}}
		s := newSiteFor(t, cfg, auth.Config{Accounts: people})
		scoped := s.guard.Require("reports:read")(http.NotFoundHandler())
		good, _ := s.signIn(t, nil)
		as := func(subject string) string { c, _ := s.signInAs(t, subject, nil); return line(c) }
		post := func(lines ...string) *http.Request { return request("POST", lines...) }
		for _, tt := range []struct {
			name    string
			handler http.Handler
			r       *http.Request
			want    int
			cleared bool
		}{
			{"good", s.handler, request("GET", line(good)), http.StatusOK, false},
			{"none", s.handler, request("GET"), http.StatusUnauthorized, false},
			{"junk", s.handler, request("GET", "Cookie: __Host-session=junk"), http.StatusUnauthorized, true},
			{"tampered", s.handler, request("GET", line(good)+"A"), http.StatusUnauthorized, true},
			{"duplicates", s.handler, request("GET", line(good), "Cookie: __Host-session=junk"), http.StatusUnauthorized, true}, // K12
			{"disabled", s.handler, request("GET", as("disabled")), http.StatusUnauthorized, true},                              // R7
			{"NotBefore", s.handler, request("GET", as("recalled")), http.StatusUnauthorized, true},                             // R7
			{"unknown account", s.handler, request("GET", as("nobody")), http.StatusUnauthorized, true},
			{"scope", scoped, request("GET", line(good)), http.StatusForbidden, false},
			{"cross-origin", s.handler, post("Sec-Fetch-Site: cross-site", line(good)), http.StatusForbidden, false},
			{"cross-origin, junk", s.handler, post("Sec-Fetch-Site: cross-site", "Cookie: __Host-session=junk"), http.StatusForbidden, false}, // X5
			{"cross-origin, disabled", s.handler, post("Origin: null", as("disabled")), http.StatusForbidden, false},
		} {
			w := httptest.NewRecorder()
			tt.handler.ServeHTTP(w, tt.r)
			if w.Code != tt.want || cleared(t, w) != tt.cleared || w.Header()["Set-Cookie"] != nil != tt.cleared {
				t.Errorf("%s: status %d, want %d; Set-Cookie %q", tt.name, w.Code, tt.want, w.Header()["Set-Cookie"])
			}
			if w.Header().Get("Cache-Control") != "no-store" { // C8
				t.Errorf("%s: header %v", tt.name, w.Header())
			}
		}
	})
}

// TestIdenticalRefusals compares the responses to everything that is invalid:
// they tell nothing of why. (C1, C7)
func TestIdenticalRefusals(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		people := accounts{"ada": {}, "disabled": {Disabled: true}, "recalled": {NotBefore: time.Now().Add(2 * time.Hour)}}
		s := newSiteFor(t, cfg, auth.Config{Accounts: people})
		expired, _ := s.signIn(t, nil)
		time.Sleep(time.Hour)

		good, _ := s.signIn(t, nil)
		disabled, _ := s.signInAs(t, "disabled", nil)
		recalled, _ := s.signInAs(t, "recalled", nil)
		unknown, _ := s.signInAs(t, "unknown", nil)
		elsewhere, _ := newSite(t, with(cfg, cookie.NewKey())).signIn(t, nil)
		refused := map[string]*http.Cookie{
			"expired": expired, "disabled": disabled, "NotBefore": recalled, "unknown account": unknown, "unknown key": elsewhere,
			"junk":     {Name: good.Name, Value: "junk"},
			"empty":    {Name: good.Name},
			"tampered": {Name: good.Name, Value: good.Value + "A"},
			"twice":    {Name: good.Name, Value: good.Value + "; " + good.Name + "=junk"},
		}
		if cfg.Store != nil {
			revoked, id := s.signIn(t, nil)
			if err := s.Revoke(t.Context(), "ada", id.Credential); err != nil {
				t.Fatal(err)
			}
			signedOut, _ := s.signIn(t, nil)
			s.signOut(t, signedOut)
			cfg.Store = store.NewMemory()
			noRow, _ := newSite(t, cfg).signIn(t, nil)
			refused["revoked"], refused["signed out"], refused["no such row"] = revoked, signedOut, noRow
		}
		want := http.Header{
			"Cache-Control":    {"no-store"},
			"Content-Type":     {"application/problem+json"},
			"Set-Cookie":       {"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
			"Vary":             {"Cookie"},
			"Www-Authenticate": {`Cookie realm="api", error="invalid_token"`},
		}
		const body = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}` + "\n"
		for name, c := range refused {
			w := s.visit(c)
			if w.Code != http.StatusUnauthorized || w.Body.String() != body || !reflect.DeepEqual(w.Header(), want) {
				t.Errorf("%s: status %d, body %q\nheader %v\nwant   %v", name, w.Code, w.Body, w.Header(), want)
			}
		}
		s.wants(t, http.StatusOK, good)
	})
}

// TestOutage visits while the store is down: the answer is 503, and the cookie
// stays for when it is up again. (B2, B4, C6)
func TestOutage(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		for name, fail := range map[string]func(string) error{
			"down":      down,
			"timeout":   func(string) error { return context.DeadlineExceeded },
			"panicking": func(string) error { panic("nil map") },
		} {
			synctest.Test(t, func(t *testing.T) {
				rows := &flaky{Store: store.NewMemory()}
				s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: rows})
				c, _ := s.signIn(t, nil)
				time.Sleep(30 * time.Minute) // a renewal would be due

				rows.fail = fail
				w := s.visit(c)
				h := w.Header()
				if w.Code != http.StatusServiceUnavailable || h["Set-Cookie"] != nil || h.Get("Retry-After") == "" || h["Www-Authenticate"] != nil {
					t.Errorf("%s: status %d, header %v", name, w.Code, h)
				}
				// What the store has no say in is still told apart.
				if w := s.visit(&http.Cookie{Name: c.Name, Value: c.Value + "A"}); w.Code != http.StatusUnauthorized || !cleared(t, w) {
					t.Errorf("%s: tampered: status %d", name, w.Code)
				}
				rows.fail = nil
				s.wants(t, http.StatusOK, c)
			})
		}
	}
}

// TestAccountsOutage visits while accounts cannot be told: 503, and neither a
// renewal nor a clearing. (B4)
func TestAccountsOutage(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		s := newSiteFor(t, cfg, auth.Config{Accounts: noAccounts{}})
		c, _ := s.signIn(t, nil)
		time.Sleep(30 * time.Minute)
		if w := s.visit(c); w.Code != http.StatusServiceUnavailable || w.Header()["Set-Cookie"] != nil {
			t.Errorf("status %d, header %v", w.Code, w.Header())
		}
	})
}

type noAccounts struct{}

func (noAccounts) Account(context.Context, string) (*auth.Account, error) { return nil, errDown }

// TestNoStore looks for Cache-Control in every response that a session has a
// part in. (C8)
func TestNoStore(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		in := httptest.NewRecorder()
		in.Header().Set("Cache-Control", "max-age=3600")
		if _, err := s.SignIn(in, request("POST"), cookie.Request{Subject: "ada"}); err != nil {
			t.Fatal(err)
		}
		c := cookieOf(t, in)
		for name, w := range map[string]*httptest.ResponseRecorder{
			"sign in": in, "visit": s.visit(c), "none": s.visit(nil), "sign out": s.signOut(t, c),
		} {
			if got := w.Header()["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
				t.Errorf("%s: Cache-Control %q", name, got)
			}
		}
	})
}

// TestNotBefore recalls the sessions that were made before a moment: those of
// afterwards are good. (R7)
func TestNotBefore(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		people := accounts{"ada": {}}
		s := newSiteFor(t, cfg, auth.Config{Accounts: people})
		before, _ := s.signIn(t, nil)
		time.Sleep(micro)
		people["ada"].NotBefore = time.Now()
		after, _ := s.signIn(t, nil)
		s.wants(t, http.StatusUnauthorized, before)
		s.wants(t, http.StatusOK, after)
		people["ada"].Disabled = true
		s.wants(t, http.StatusUnauthorized, after)
		people["ada"].Disabled = false
		s.wants(t, http.StatusOK, after)
		delete(people, "ada")
		s.wants(t, http.StatusUnauthorized, after)
	})
}

// TestChallenge reads the challenges. (C1, C2, C3)
func TestChallenge(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Realm: `a"b\c`})
	for reason, want := range map[error]string{
		auth.ErrNoCredentials:      `Cookie realm="a\"b\\c"`,
		auth.ErrInvalidCredentials: `Cookie realm="a\"b\\c", error="invalid_token"`,
		auth.ErrInsufficientScope:  `Cookie realm="a\"b\\c", error="insufficient_scope", scope="x y"`,
	} {
		if got := s.Challenge(reason, []string{"x", "y"}).String(); got != want {
			t.Errorf("%v: %s, want %s", reason, got, want)
		}
	}
	if w := s.visit(nil); w.Header().Get("Www-Authenticate") != `Cookie realm="a\"b\\c"` {
		t.Errorf("header %v", w.Header())
	}
	if _, err := s.Authenticate(request("GET")); !errors.Is(err, auth.ErrNoCredentials) {
		t.Errorf("no cookie: %v", err)
	}
}
