package cookie_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// with returns cfg with other keys.
func with(cfg cookie.Config, keys ...cookie.Key) cookie.Config {
	cfg.Keys = keys
	return cfg
}

// TestKeyRotation takes a cookie through a change of the key. (K10)
func TestKeyRotation(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		older, newer := cookie.NewKey(), cookie.NewKey()
		before, during, after := newSite(t, with(cfg, older)), newSite(t, with(cfg, newer, older)), newSite(t, with(cfg, newer))
		c, _ := before.signIn(t, nil)

		w := during.visit(c)
		sealedAnew := cookieOf(t, w)
		if w.Code != http.StatusOK || sealedAnew == nil || sealedAnew.Value == "" || sealedAnew.MaxAge <= 0 {
			t.Fatalf("both keys: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
		}
		if w := during.visit(sealedAnew); w.Code != http.StatusOK || cookieOf(t, w) != nil {
			t.Errorf("sealed anew: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
		}
		after.wants(t, http.StatusOK, sealedAnew)
		before.wants(t, http.StatusUnauthorized, sealedAnew)
		if w := after.visit(c); w.Code != http.StatusUnauthorized || !cleared(t, w) {
			t.Errorf("the new key alone: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
		}
	})
}

// TestKeyOrders opens cookies of each of three keys with the keys in every
// order. (K10)
func TestKeyOrders(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		keys := []cookie.Key{cookie.NewKey(), cookie.NewKey(), cookie.NewKey()}
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			s := newSite(t, with(cfg, keys[order[0]], keys[order[1]], keys[order[2]]))
			first := newSite(t, with(cfg, keys[order[0]]))
			for by, key := range keys {
				c, _ := newSite(t, with(cfg, key)).signIn(t, nil)
				w := s.visit(c)
				sealedAnew := cookieOf(t, w)
				if w.Code != http.StatusOK || (sealedAnew != nil) != (by != order[0]) {
					t.Errorf("keys %v, cookie of %d: status %d, Set-Cookie %q", order, by, w.Code, w.Header()["Set-Cookie"])
				}
				if sealedAnew != nil {
					first.wants(t, http.StatusOK, sealedAnew)
				}
			}
			c, _ := s.signIn(t, nil)
			first.wants(t, http.StatusOK, c)
		}
	})
}

// TestSealedAnew checks that a session gains nothing but a new seal: neither a
// later end, nor another ID. (K8, K10)
func TestSealedAnew(t *testing.T) {
	for _, idle := range []time.Duration{0, -1} {
		eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
			cfg.IdleTimeout = idle
			older, newer := cookie.NewKey(), cookie.NewKey()
			before, during := newSite(t, with(cfg, older)), newSite(t, with(cfg, newer, older))
			c, made := before.signIn(t, nil)
			for range 47 {
				time.Sleep(30 * time.Minute)
				if set := cookieOf(t, before.visit(c)); set != nil {
					c = set
				}
			}
			c = cookieOf(t, during.visit(c))
			if c == nil || c.MaxAge > 1800 {
				t.Fatalf("cookie %v: half an hour is left", c)
			}
			id, err := during.Authenticate(request("GET", line(c)))
			if err != nil || id.Credential != made.Credential || !id.IssuedAt.Equal(made.IssuedAt) {
				t.Errorf("identity %+v, want that of %+v; error %v", id, made, err)
			}
			time.Sleep(30*time.Minute - time.Microsecond)
			during.wants(t, http.StatusOK, c)
			time.Sleep(time.Microsecond)
			during.wants(t, http.StatusUnauthorized, c)
		})
	}
}

// TestInvalidIsNotSealedAnew visits with cookies of an old key whose session is
// not good any more: they get no new seal. (K10, R7)
func TestInvalidIsNotSealedAnew(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		older, newer := cookie.NewKey(), cookie.NewKey()
		people := accounts{"ada": {}}
		before := newSite(t, with(cfg, older))
		during := newSiteFor(t, with(cfg, newer, older), auth.Config{Accounts: people})
		c, _ := before.signIn(t, nil)
		people["ada"].Disabled = true
		if w := during.visit(c); w.Code != http.StatusUnauthorized || !cleared(t, w) {
			t.Errorf("disabled: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
		}
		people["ada"].Disabled = false
		time.Sleep(time.Hour)
		if w := during.visit(c); w.Code != http.StatusUnauthorized || !cleared(t, w) {
			t.Errorf("expired: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
		}
	})
}
