package cookie_test

import (
	"context"
	"errors"
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

// TestSignOutDuplicates signs out, and in, a browser that sends a planted cookie
// of the name beside its own: its session ends all the same. (K6, K11, K12)
func TestSignOutDuplicates(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: store.NewMemory()})
		for what, leave := range map[string]func(http.ResponseWriter, *http.Request) error{
			"sign out": s.SignOut,
			"sign in": func(w http.ResponseWriter, r *http.Request) error {
				_, err := s.SignIn(w, r, cookie.Request{Subject: "ben"})
				return err
			},
		} {
			c, _ := s.signIn(t, nil)
			other, _ := s.signIn(t, nil)
			last, _ := s.signIn(t, nil)
			for _, lines := range [][]string{
				{line(c), "Cookie: __Host-session=AAAA"},
				{"Cookie: __Host-session=AAAA", line(other)},
				{line(c), line(other), line(last)},
			} {
				if err := leave(httptest.NewRecorder(), request("POST", lines...)); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			for _, c := range []*http.Cookie{c, other, last} {
				s.wants(t, http.StatusUnauthorized, c)
			}
		}
	}
}

// TestTooManyCookiesToLeave signs out, and in, where the session cannot be
// found: it must not look as if it had ended.
func TestTooManyCookiesToLeave(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		r := request("POST", "Cookie: "+strings.Repeat("a=b; ", 3000)+"c=d")
		w := httptest.NewRecorder()
		if err := s.SignOut(w, r); !errors.Is(err, auth.ErrInvalidCredentials) || len(w.Header()) != 0 {
			t.Errorf("sign out: error %v, header %v", err, w.Header())
		}
		if _, err := s.SignIn(w, r, cookie.Request{Subject: "ada"}); !errors.Is(err, auth.ErrInvalidCredentials) || len(w.Header()) != 0 {
			t.Errorf("sign in: error %v, header %v", err, w.Header())
		}
	})
}

// lookups counts what a store is asked.
type lookups struct {
	store.Store
	n int
}

func (l *lookups) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	l.n++
	return l.Store.Find(ctx, k, d)
}

// TestCookieFlood signs out with as many cookies as a request can have: of one
// session, which costs no more than one of them, and of many, which is refused.
func TestCookieFlood(t *testing.T) {
	st := &lookups{Store: store.NewMemory()}
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: st})
	c, _ := s.signIn(t, nil)
	st.n = 0
	if err := s.SignOut(httptest.NewRecorder(), request("POST", line(c)+strings.Repeat("; "+c.Name+"="+c.Value, 2000))); err != nil || st.n != 1 {
		t.Errorf("2000 cookies of one session: %v, and %d lookups", err, st.n)
	}
	s.wants(t, http.StatusUnauthorized, c)

	many := "Cookie: a=b"
	for range 500 {
		c, _ = s.signIn(t, nil)
		many += "; " + c.Name + "=" + c.Value
	}
	st.n = 0
	if err := s.SignOut(httptest.NewRecorder(), request("POST", many)); !errors.Is(err, auth.ErrInvalidCredentials) || st.n > 16 {
		t.Errorf("500 sessions: %v, and %d lookups", err, st.n)
	}
}

// TestHangUp signs out in a request whose client is gone: the session ends. (K6)
func TestHangUp(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory()})
	c, _ := s.signIn(t, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SignOut(httptest.NewRecorder(), request("POST", line(c)).WithContext(gone)); err != nil {
		t.Error(err)
	}
	s.wants(t, http.StatusUnauthorized, c)
}

// hanging is a store that answers when the caller has given up.
type hanging struct{ store.Store }

func (hanging) Revoke(ctx context.Context, _ store.Filter, _ time.Time) ([]store.Digest, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestHangingStore signs out while the store does not answer: not for ever.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: hanging{store.NewMemory()}})
		c, _ := s.signIn(t, nil)
		start, w := time.Now(), httptest.NewRecorder()
		err := s.SignOut(w, request("POST", line(c)))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second || len(w.Header()) != 0 {
			t.Errorf("after %v: error %v, header %v", took, err, w.Header())
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
