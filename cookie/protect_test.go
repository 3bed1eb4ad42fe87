package cookie_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestHeaderAuthenticates sends an Authorization header beside a good cookie.
// Only where it is the header that authenticates is the origin of no interest:
// browsers do not attach it by themselves. (X4, P9)
func TestHeaderAuthenticates(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
		if err != nil {
			t.Fatal(err)
		}
		plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "bot"})
		if err != nil {
			t.Fatal(err)
		}
		s := newSiteFor(t, cfg, auth.Config{Authenticators: []auth.Authenticator{tokens}})
		c, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			authorization   string
			same, crossSite int // status of a POST
		}{
			{"Bearer " + plain.Reveal(), http.StatusOK, http.StatusOK},
			{"Bearer bad", http.StatusUnauthorized, http.StatusUnauthorized},
			{"Bearer " + plain.Reveal() + "x", http.StatusUnauthorized, http.StatusUnauthorized},
			{"Bearer", http.StatusBadRequest, http.StatusBadRequest},
			{"Basic x", http.StatusOK, http.StatusForbidden},
			{"Basic x, Bearer " + plain.Reveal(), http.StatusBadRequest, http.StatusBadRequest},
			{"Unknown", http.StatusOK, http.StatusForbidden},
			{"", http.StatusOK, http.StatusForbidden},
		} {
			for site, want := range map[string]int{"same-origin": tt.same, "cross-site": tt.crossSite} {
				w := s.do(request("POST", "Authorization: "+tt.authorization, "Sec-Fetch-Site: "+site, line(c)))
				if w.Code != want {
					t.Errorf("%q, %s: status %d, want %d", tt.authorization, site, w.Code, want)
				}
				if byHeader := tt.crossSite == http.StatusOK; w.Code == http.StatusOK && (w.Body.String() == "bot") != byHeader {
					t.Errorf("%q, %s: it is %s", tt.authorization, site, w.Body)
				}
				if len(w.Header()["Set-Cookie"]) != 0 {
					t.Errorf("%q, %s: Set-Cookie %q", tt.authorization, site, w.Header()["Set-Cookie"])
				}
			}
		}
	})
}

// TestProtect sends requests without a session to a login route. (X5)
func TestProtect(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		cfg.TrustedOrigins = []string{trusted}
		s := newSite(t, cfg)
		served := 0
		handler := s.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			served++
			if _, err := s.SignIn(w, r, cookie.Request{Subject: "ada"}); err != nil {
				t.Error(err)
			}
		}))
		c, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			method string
			lines  []string
			want   int
		}{
			{"POST", nil, http.StatusOK},
			{"POST", []string{"Sec-Fetch-Site: same-origin"}, http.StatusOK},
			{"POST", []string{"Sec-Fetch-Site: cross-site", "Origin: " + trusted}, http.StatusOK},
			{"POST", []string{line(c)}, http.StatusOK},
			{"POST", []string{"Cookie: __Host-session=junk"}, http.StatusOK}, // who is signed out can sign in
			{"GET", []string{"Sec-Fetch-Site: cross-site"}, http.StatusOK},
			{"POST", []string{"Sec-Fetch-Site: cross-site"}, http.StatusForbidden},
			{"POST", []string{"Sec-Fetch-Site: same-site"}, http.StatusForbidden},
			{"POST", []string{"Origin: https://evil.example"}, http.StatusForbidden},
			{"POST", []string{"Origin: null"}, http.StatusForbidden},
			{"POST", []string{"Sec-Fetch-Site: cross-site", "Authorization: Bearer x"}, http.StatusForbidden},
			{"POST", []string{"Sec-Fetch-Site: cross-site", line(c)}, http.StatusForbidden},
			{"POST", []string{"Sec-Fetch-Site: cross-site", "Cookie: __Host-session=junk"}, http.StatusForbidden},
		} {
			before := served
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request(tt.method, tt.lines...))
			ok := tt.want == http.StatusOK
			if w.Code != tt.want || (served > before) != ok || (cookieOf(t, w) != nil) != ok {
				t.Errorf("%s %q: status %d, want %d; Set-Cookie %q", tt.method, tt.lines, w.Code, tt.want, w.Header()["Set-Cookie"])
			}
			if w.Header().Get("Www-Authenticate") != "" || w.Header().Get("Vary") != "Cookie" {
				t.Errorf("%s %q: header %v", tt.method, tt.lines, w.Header())
			}
		}
	})
}

// TestCrossOriginCalls signs in and out without Protect: the methods refuse for
// themselves. (X5)
func TestCrossOriginCalls(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		for _, l := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"} {
			w := httptest.NewRecorder()
			id, err := s.SignIn(w, request("POST", l, line(c)), cookie.Request{Subject: "mallory"})
			if id != nil || !errors.Is(err, auth.ErrCrossOrigin) || len(w.Header()) != 0 {
				t.Errorf("sign in: %q: identity %v, error %v, header %v", l, id, err, w.Header())
			}
			if err := s.SignOut(w, request("POST", l, line(c))); !errors.Is(err, auth.ErrCrossOrigin) || len(w.Header()) != 0 {
				t.Errorf("sign out: %q: error %v, header %v", l, err, w.Header())
			}
		}
		s.wants(t, http.StatusOK, c)
	})
}

// TestProtectObserved reads what Observe is told of a request that Protect has
// refused. (X5)
func TestProtectObserved(t *testing.T) {
	var told []auth.EventType
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Observe: collect(&told)})
	h := s.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, l := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"} {
		h.ServeHTTP(httptest.NewRecorder(), request("POST", l))
	}
	if !slices.Equal(told, []auth.EventType{auth.Refused}) {
		t.Errorf("told of %v", told)
	}
	defer func() {
		if v := recover(); v != "cookie: Protect: nil handler" {
			t.Errorf("nil handler: panic %v", v)
		}
	}()
	s.Protect(nil)
}

// TestProtectKeepsIdentity puts Protect within a Guard: the handler still finds
// who is calling, and what another site sends is refused all the same. (X5)
func TestProtectKeepsIdentity(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s.Sessions}})
		if err != nil {
			t.Fatal(err)
		}
		h := guard.Require()(s.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, ok := auth.FromContext(r.Context()); !ok || id.Subject != "ada" {
				t.Errorf("identity %+v, %t, want ada's", id, ok)
			}
		})))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("POST", line(c)))
		if w.Code != http.StatusOK {
			t.Errorf("status %d, want 200", w.Code)
		}
		w = httptest.NewRecorder()
		h.ServeHTTP(w, request("POST", line(c), "Sec-Fetch-Site: cross-site"))
		if w.Code != http.StatusForbidden {
			t.Errorf("cross-site: status %d, want 403", w.Code)
		}
	})
}
