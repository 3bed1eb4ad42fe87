package cookie_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestSignOut signs out and presents a copy of the cookie. With a store the
// session is gone; without one the copy stays good, as the package says. (K6)
func TestSignOut(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		second, _ := s.signIn(t, nil)
		if w := s.signOut(t, c); !cleared(t, w) {
			t.Errorf("Set-Cookie %q", w.Header()["Set-Cookie"])
		}
		want := http.StatusUnauthorized
		if cfg.Store == nil {
			want = http.StatusOK
		}
		s.wants(t, want, c)
		s.wants(t, http.StatusOK, second) // another browser of the same account

		// Another process with the same keys and store. (R1)
		newSite(t, cfg).wants(t, want, c)
	})
}

// TestSignOutWithoutSession signs out browsers that have nothing to sign out
// of: it is no error, and the cookie is cleared.
func TestSignOutWithoutSession(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		s.signOut(t, c)
		for name, lines := range map[string][]string{
			"no cookie":   nil,
			"signed out":  {line(c)},
			"empty":       {"Cookie: __Host-session="},
			"tampered":    {line(c) + "A"},
			"two of them": {line(c), "Cookie: __Host-session=AAAA"},
			"another one": {"Cookie: theme=dark"},
			"unknown key": {"Cookie: __Host-session=" + strings.Repeat("A", 200)},
		} {
			w := httptest.NewRecorder()
			if err := s.SignOut(w, request("POST", lines...)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !cleared(t, w) {
				t.Errorf("%s: Set-Cookie %q", name, w.Header()["Set-Cookie"])
			}
		}
	})
}

// TestSignOutDuplicates signs out a browser that sends a planted cookie of the
// name beside its own: the session ends all the same, in both orders. (K6, K12)
func TestSignOutDuplicates(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		if cfg.Store == nil {
			return // nothing ends on the server
		}
		s := newSite(t, cfg)
		for _, planted := range []string{"Cookie: __Host-session=AAAA", ""} {
			c, _ := s.signIn(t, nil)
			lines := []string{line(c), "Cookie: __Host-session=AAAA"}
			if planted != "" {
				lines[0], lines[1] = lines[1], lines[0]
			}
			if err := s.SignOut(httptest.NewRecorder(), request("POST", lines...)); err != nil {
				t.Fatal(err)
			}
			s.wants(t, http.StatusUnauthorized, c)

			// Signing in ends it too. (K11)
			c, _ = s.signIn(t, nil)
			if _, err := s.SignIn(httptest.NewRecorder(), request("POST", line(c), "Cookie: __Host-session=AAAA"), cookie.Request{Subject: "ben"}); err != nil {
				t.Fatal(err)
			}
			s.wants(t, http.StatusUnauthorized, c)
		}
	})
}

// TestSignOutTooManyCookies: where the session cannot be found, signing out must
// not look as if it had ended.
func TestSignOutTooManyCookies(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		w := httptest.NewRecorder()
		err := s.SignOut(w, request("POST", "Cookie: "+strings.Repeat("a=b; ", 3000)+"c=d"))
		if !errors.Is(err, auth.ErrInvalidCredentials) || cleared(t, w) {
			t.Errorf("error %v, Set-Cookie %q, want an error alone", err, w.Header()["Set-Cookie"])
		}
	})
}

// TestSignOutExpired signs out of sessions that are over for the cookie, but
// whose row is not: it is revoked all the same. (K6)
func TestSignOutExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows := store.NewMemory()
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: rows})
		c, id := s.signIn(t, nil)
		time.Sleep(2 * time.Hour)
		s.signOut(t, c)
		row, err := rows.Get(t.Context(), id.Credential)
		if err != nil || row.RevokedAt.IsZero() {
			t.Errorf("row %+v, error %v", row, err)
		}
	})
}

// TestSignOutOutage signs out while the store is down: nothing is cleared, so
// that the browser can try again. (K6, B4)
func TestSignOutOutage(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		rows := &flaky{Store: store.NewMemory()}
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: rows})
		c, _ := s.signIn(t, nil)

		rows.fail = down
		w := httptest.NewRecorder()
		err := s.SignOut(w, request("POST", line(c)))
		if !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), "cookie: sign out: ") {
			t.Errorf("error %v", err)
		}
		for _, class := range []error{auth.ErrInvalidCredentials, auth.ErrNoCredentials, auth.ErrCrossOrigin, cookie.ErrRequest} {
			if errors.Is(err, class) {
				t.Errorf("an outage is taken for %v", class)
			}
		}
		if len(w.Header()) != 0 {
			t.Errorf("header %v", w.Header())
		}

		rows.fail = nil
		s.wants(t, http.StatusOK, c)
		if !cleared(t, s.signOut(t, c)) {
			t.Error("not cleared")
		}
		s.wants(t, http.StatusUnauthorized, c)
	}
}

// TestSlowRequest signs out while a request that renews the cookie is still
// being answered: the cookie it brings is of no use. (K13)
func TestSlowRequest(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: store.NewMemory()})
			c, _ := s.signIn(t, nil)
			time.Sleep(30 * time.Minute)

			release := make(chan bool)
			slow := s.guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				<-release
				io.WriteString(w, "done")
			}))
			w := httptest.NewRecorder()
			go func() { slow.ServeHTTP(w, request("GET", line(c))) }()
			synctest.Wait()
			s.signOut(t, c)
			close(release)
			synctest.Wait()

			renewed := cookieOf(t, w)
			if w.Body.String() != "done" || renewed == nil || renewed.Value == "" || renewed.Value == c.Value {
				t.Fatalf("body %q, Set-Cookie %q: the test needs a renewal", w.Body, w.Header()["Set-Cookie"])
			}
			s.wants(t, http.StatusUnauthorized, renewed)
			s.wants(t, http.StatusUnauthorized, c)
		})
	}
}
