package cookie_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestFixation signs in from a browser that has a session already: its own, or
// one that somebody planted there. (K11)
func TestFixation(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		for _, whose := range []string{"ada", "mallory"} {
			old, before := s.signInAs(t, whose, nil)
			c, now := s.signInAs(t, "ada", old)
			if now.Credential == before.Credential || c.Value == old.Value {
				t.Errorf("%s's session is kept", whose)
			}
			if w := s.visit(c); w.Code != http.StatusOK || w.Body.String() != "ada" {
				t.Errorf("the new cookie: status %d, %q", w.Code, w.Body)
			}
			w := s.visit(old)
			if cfg.Store != nil && w.Code != http.StatusUnauthorized {
				t.Errorf("%s's old cookie: status %d", whose, w.Code)
			}
			if cfg.Store == nil && w.Body.String() != whose { // nothing can end it, and it is nobody else's now
				t.Errorf("%s's old cookie: %q", whose, w.Body)
			}
		}
	})
}

// TestSignInFreshly signs in with cookies that are no session: they have no
// effect.
func TestSignInFreshly(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		gone, _ := s.signIn(t, nil)
		s.signOut(t, gone)
		seen := map[string]bool{}
		for _, value := range []string{"", "AAAA", gone.Value, gone.Value + "A"} {
			c, id := s.signIn(t, &http.Cookie{Name: "__Host-session", Value: value})
			s.wants(t, http.StatusOK, c)
			if seen[id.Credential] || len(id.Credential) < 20 { // T1
				t.Errorf("session ID %q", id.Credential)
			}
			seen[id.Credential] = true
		}
	})
}

// TestSignInOutage signs in while the store is down: nothing is set, and the
// session of before is as it was. (B4, K11)
func TestSignInOutage(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		rows := &flaky{Store: store.NewMemory()}
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: rows})
		old, _ := s.signIn(t, nil)
		rows.fail = down
		for name, lines := range map[string][]string{"first": nil, "again": {line(old)}} {
			w := httptest.NewRecorder()
			id, err := s.SignIn(w, request("POST", lines...), cookie.Request{Subject: "ada"})
			if id != nil || !errors.Is(err, errDown) || errors.Is(err, cookie.ErrRequest) || !strings.HasPrefix(err.Error(), "cookie: sign in: ") {
				t.Errorf("%s: identity %v, error %v", name, id, err)
			}
			if len(w.Header()) != 0 {
				t.Errorf("%s: header %v", name, w.Header())
			}
		}
		rows.fail = nil
		s.wants(t, http.StatusOK, old)
		if list, err := s.List(t.Context(), "ada"); len(list) != 1 || err != nil {
			t.Errorf("%d sessions, error %v", len(list), err)
		}
	}
}

// TestOldSessionEndsFirst signs in where the session of before cannot be ended:
// there must not be a new one beside it. (K11)
func TestOldSessionEndsFirst(t *testing.T) {
	rows := &flaky{Store: store.NewMemory()}
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: rows})
	old, _ := s.signIn(t, nil)
	rows.fail = func(method string) error {
		if method == "Revoke" {
			return errDown
		}
		return nil
	}
	w := httptest.NewRecorder()
	if _, err := s.SignIn(w, request("POST", line(old)), cookie.Request{Subject: "ada"}); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
	if list, err := s.List(t.Context(), "ada"); len(list) != 1 || err != nil || len(w.Header()) != 0 {
		t.Errorf("%d sessions, error %v, header %v", len(list), err, w.Header())
	}
}

// TestNoPlaintextAtRest looks for what a cookie holds in the rows. (T3)
func TestNoPlaintextAtRest(t *testing.T) {
	rows := store.NewMemory()
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: rows})
	c, id := s.signIn(t, nil)
	row, err := rows.Get(t.Context(), id.Credential)
	if err != nil {
		t.Fatal(err)
	}
	if row.Kind != store.KindSession || row.Digest == (store.Digest{}) || strings.Contains(string(row.Data), "ses_") || row.Name != "" {
		t.Errorf("row %+v, data %q", row, row.Data)
	}
	for i := 0; i+12 <= len(c.Value); i++ {
		if strings.Contains(string(row.Data)+string(row.Digest[:]), c.Value[i:i+12]) {
			t.Error("a piece of the cookie is in the row")
		}
	}
}

// TestConcurrent signs in, visits and signs out from many goroutines at once.
func TestConcurrent(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 20 {
					c, _ := s.signIn(t, nil)
					s.wants(t, http.StatusOK, c)
					s.signOut(t, c)
				}
			})
		}
		all.Wait()
	})
}
