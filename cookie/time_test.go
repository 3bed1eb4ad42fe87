package cookie_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
)

const micro = time.Microsecond

// TestExpiry replays a cookie just before its session ends and at the end. The
// browser's Max-Age has no say in it. (K7, T6)
func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		name           string
		lifetime, idle time.Duration
		end            time.Duration
	}{
		{"default: idle", 0, 0, time.Hour},
		{"default lifetime", 0, -1, 24 * time.Hour},
		{"lifetime", 90 * time.Minute, -1, 90 * time.Minute},
		{"shortest lifetime", time.Minute, -1, time.Minute},
		{"longest lifetime", 365 * 24 * time.Hour, -1, 365 * 24 * time.Hour},
		{"shortest idle timeout", 0, time.Minute, time.Minute},
		{"idle timeout of the lifetime", 2 * time.Hour, 2 * time.Hour, 2 * time.Hour},
		{"idle timeout short of the lifetime", time.Hour, time.Hour - micro, time.Hour - micro},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
				cfg.Lifetime, cfg.IdleTimeout = tt.lifetime, tt.idle
				s := newSite(t, cfg)
				c, id := s.signIn(t, nil)
				if end := time.Now().Add(tt.end); !id.ExpiresAt.Equal(end) || c.MaxAge != int(tt.end/time.Second) {
					t.Errorf("ExpiresAt %v, want %v; Max-Age %d", id.ExpiresAt, end, c.MaxAge)
				}
				time.Sleep(tt.end - micro)
				s.wants(t, http.StatusOK, c)
				time.Sleep(micro)
				if w := s.visit(c); w.Code != http.StatusUnauthorized || !cleared(t, w) {
					t.Errorf("at the end: status %d, Set-Cookie %q", w.Code, w.Header()["Set-Cookie"])
				}
				time.Sleep(1000 * time.Hour)
				s.wants(t, http.StatusUnauthorized, c)
			})
		})
	}
}

// A browser keeps the cookie that it was given last.
type browser struct {
	site   *site
	cookie *http.Cookie
	set    int // cookies that it was given
}

// visit returns the status of a visit.
func (b *browser) visit(t *testing.T) int {
	t.Helper()
	w := b.site.visit(b.cookie)
	if c := cookieOf(t, w); c != nil {
		b.cookie = c
		b.set++
	}
	return w.Code
}

// TestSliding uses a session for as long as it can be used: never idle, it ends
// when its lifetime is over, to the microsecond. (K8)
func TestSliding(t *testing.T) {
	for _, tt := range []struct {
		name           string
		lifetime, idle time.Duration
		every          time.Duration
	}{
		{"hourly", 48 * time.Hour, 2 * time.Hour, time.Hour},
		{"half the idle time", 24 * time.Hour, time.Hour, 30 * time.Minute},
		{"just in time", 24 * time.Hour, time.Hour, time.Hour - micro},
		{"minutely", 3 * time.Hour, 10 * time.Minute, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
				cfg.Lifetime, cfg.IdleTimeout = tt.lifetime, tt.idle
				b := &browser{site: newSite(t, cfg)}
				b.cookie, _ = b.site.signIn(t, nil)
				limit := time.Now().Add(tt.lifetime)
				for time.Until(limit) > tt.every {
					time.Sleep(tt.every)
					set := b.set
					if status := b.visit(t); status != http.StatusOK {
						t.Fatalf("%v before the limit: status %d", time.Until(limit), status)
					}
					id, err := b.site.Authenticate(request("GET", line(b.cookie)))
					if err != nil || id.ExpiresAt.After(limit) || id.ExpiresAt.After(time.Now().Add(tt.idle)) {
						t.Fatalf("%v before the limit: identity %+v, error %v", time.Until(limit), id, err)
					}
					if left := int(time.Until(limit) / time.Second); b.set > set && b.cookie.MaxAge > left {
						t.Fatalf("Max-Age %d, but %d seconds are left", b.cookie.MaxAge, left)
					}
				}
				time.Sleep(time.Until(limit) - micro)
				if status := b.visit(t); status != http.StatusOK {
					t.Errorf("before the limit: status %d", status)
				}
				time.Sleep(micro)
				if status := b.visit(t); status != http.StatusUnauthorized {
					t.Errorf("at the limit: status %d", status)
				}
			})
		})
	}
}

// TestIdle leaves a session alone after it was used: the time counts from its
// last renewal, and the cookie of before ends when it would have. (K8)
func TestIdle(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		b := &browser{site: newSite(t, cfg)}
		first, _ := b.site.signIn(t, nil)
		b.cookie = first
		time.Sleep(40 * time.Minute)
		b.visit(t)
		time.Sleep(20*time.Minute - micro)
		b.site.wants(t, http.StatusOK, first)
		time.Sleep(micro)
		b.site.wants(t, http.StatusUnauthorized, first)
		b.site.wants(t, http.StatusOK, b.cookie)
		time.Sleep(40*time.Minute - micro)
		b.site.wants(t, http.StatusOK, b.cookie)
		time.Sleep(micro)
		b.site.wants(t, http.StatusUnauthorized, b.cookie)
	})
}

// TestShorterLifetime shortens the lifetime and the idle time: it holds for the
// sessions of before, too. (K8)
func TestShorterLifetime(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		cfg.IdleTimeout = -1
		long, _ := newSite(t, cfg).signIn(t, nil)
		cfg.Lifetime = 2 * time.Hour
		shorter := newSite(t, cfg)
		cfg.IdleTimeout = time.Hour
		idle := newSite(t, cfg)

		time.Sleep(time.Hour - micro)
		idle.wants(t, http.StatusOK, long)
		time.Sleep(micro)
		idle.wants(t, http.StatusUnauthorized, long)
		time.Sleep(time.Hour - micro)
		shorter.wants(t, http.StatusOK, long)
		time.Sleep(micro)
		shorter.wants(t, http.StatusUnauthorized, long)
	})
}

// TestLongerLifetime lengthens the lifetime: sessions of before end when they
// were to end. (K8)
func TestLongerLifetime(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		cfg.Lifetime = time.Hour
		c, _ := newSite(t, cfg).signIn(t, nil)
		cfg.Lifetime = 24 * time.Hour
		b := &browser{site: newSite(t, cfg), cookie: c}
		for range 59 {
			time.Sleep(time.Minute)
			if status := b.visit(t); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		if b.set > 0 {
			t.Errorf("renewed %d times, to no purpose", b.set)
		}
		time.Sleep(time.Minute)
		if status := b.visit(t); status != http.StatusUnauthorized {
			t.Errorf("status %d", status)
		}
	})
}

// TestSkew presents cookies of a machine whose clock is ahead of ours. (K9)
func TestSkew(t *testing.T) {
	for _, tt := range []struct {
		ahead time.Duration
		want  int
	}{
		{59 * time.Second, http.StatusOK},
		{time.Minute, http.StatusOK},
		{time.Minute + micro, http.StatusUnauthorized},
		{61 * time.Second, http.StatusUnauthorized},
		{time.Hour, http.StatusUnauthorized},
		{1000 * time.Hour, http.StatusUnauthorized},
	} {
		t.Run(tt.ahead.String(), func(t *testing.T) {
			each(t, func(t *testing.T, cfg cookie.Config) {
				var c *http.Cookie
				synctest.Test(t, func(t *testing.T) { // their clock
					time.Sleep(tt.ahead)
					c, _ = newSite(t, cfg).signIn(t, nil)
				})
				synctest.Test(t, func(t *testing.T) { // ours, at the same moment
					w := newSite(t, cfg).visit(c)
					if w.Code != tt.want || cleared(t, w) != (tt.want != http.StatusOK) {
						t.Errorf("status %d, want %d; Set-Cookie %q", w.Code, tt.want, w.Header()["Set-Cookie"])
					}
				})
			})
		})
	}
}
