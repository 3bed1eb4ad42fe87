package cookie_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/cookie"
)

// TestRenewal uses a session a thousand times in an hour. The cookie is renewed
// when a tenth of the idle time has passed, and not again before the next one.
// (K8)
func TestRenewal(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		b := &browser{site: newSite(t, cfg)}
		b.cookie, _ = b.site.signIn(t, nil)

		time.Sleep(6*time.Minute - micro)
		if b.visit(t); b.set != 0 {
			t.Error("renewed before a tenth of the idle time")
		}
		time.Sleep(micro)
		if b.visit(t); b.set != 1 || b.cookie.MaxAge != 3600 {
			t.Errorf("a tenth of the idle time: renewed %d times, Max-Age %d", b.set, b.cookie.MaxAge)
		}
		if b.visit(t); b.set != 1 {
			t.Error("renewed again at once")
		}

		b.set = 0
		for range 1000 {
			time.Sleep(time.Hour / 1000)
			if status := b.visit(t); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		if b.set != 10 {
			t.Errorf("renewed %d times in an hour, want 10", b.set)
		}
	})
}

// TestRenewalKeeps checks that a renewed cookie is the same session.
func TestRenewalKeeps(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		w := httptest.NewRecorder()
		made, err := s.SignIn(w, request("POST"), cookie.Request{Subject: "ada", Scopes: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		c := cookieOf(t, s.visit(cookieOf(t, w)))
		got, err := s.Authenticate(request("GET", line(c)))
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject != made.Subject || got.Credential != made.Credential || !slices.Equal(got.Scopes, made.Scopes) ||
			!got.IssuedAt.Equal(made.IssuedAt) || !got.ExpiresAt.Equal(made.ExpiresAt.Add(30*time.Minute)) {
			t.Errorf("got %+v, made %+v", got, made)
		}
	})
}

// TestNoRenewal uses sessions that a renewal would not lengthen. (K8)
func TestNoRenewal(t *testing.T) {
	for _, tt := range []struct {
		name           string
		lifetime, idle time.Duration
		after          time.Duration // of which visits renew nothing
	}{
		{"no idle timeout", 0, -1, 0},
		{"idle timeout of the lifetime", time.Hour, time.Hour, 0},
		{"short lifetime", 30 * time.Minute, 0, 0},
		{"last hour of a day", 0, 0, 23 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
				cfg.Lifetime, cfg.IdleTimeout = tt.lifetime, tt.idle
				b := &browser{site: newSite(t, cfg)}
				var start = time.Now()
				b.cookie, _ = b.site.signIn(t, nil)
				for time.Since(start) < tt.after {
					time.Sleep(30 * time.Minute)
					b.visit(t)
				}
				b.set = 0
				for b.visit(t) == http.StatusOK {
					time.Sleep(time.Minute)
				}
				if b.set != 1 || b.cookie.Value != "" { // the clearing one
					t.Errorf("%d cookies, the last one %v", b.set, b.cookie)
				}
			})
		})
	}
}

// TestRenewalAndHeaders renews a cookie in a response that has other cookies,
// set before, and headers of the handler's own, set after.
func TestRenewalAndHeaders(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		time.Sleep(30 * time.Minute)
		others := []string{"theme=dark; Path=/", "__Host-session2=x; Path=/", "a__Host-session=y", "__host-session=z"}
		w := httptest.NewRecorder()
		for _, l := range others {
			w.Header().Add("Set-Cookie", l)
		}
		s.handler.ServeHTTP(w, request("GET", line(c)))
		set := w.Header()["Set-Cookie"]
		if len(set) != 5 || !slices.Equal(set[:4], others) || !strings.HasPrefix(set[4], "__Host-session=") {
			t.Errorf("Set-Cookie %q", set)
		}
	})
}

// TestOneCookieInAResponse signs in and out in handlers behind the guard, whose
// response has a renewed cookie by then: the last word counts, alone. (K6, K11)
func TestOneCookieInAResponse(t *testing.T) {
	eachInBubble(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		for _, tt := range []struct {
			name   string
			handle func(w http.ResponseWriter, r *http.Request) error
			want   int // status of a visit with the cookie that was set
		}{
			{"sign in", func(w http.ResponseWriter, r *http.Request) error {
				_, err := s.SignIn(w, r, cookie.Request{Subject: "ada"})
				return err
			}, http.StatusOK},
			{"sign out", s.SignOut, http.StatusUnauthorized},
			{"sign out and in", func(w http.ResponseWriter, r *http.Request) error {
				if err := s.SignOut(w, r); err != nil {
					return err
				}
				_, err := s.SignIn(w, r, cookie.Request{Subject: "ada"})
				return err
			}, http.StatusOK},
			{"sign in and out", func(w http.ResponseWriter, r *http.Request) error {
				if _, err := s.SignIn(w, r, cookie.Request{Subject: "ada"}); err != nil {
					return err
				}
				return s.SignOut(w, r)
			}, http.StatusUnauthorized},
		} {
			c, _ := s.signIn(t, nil)
			time.Sleep(30 * time.Minute)
			handler := s.guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if len(w.Header()["Set-Cookie"]) != 1 {
					t.Errorf("%s: the test needs a renewal", tt.name)
				}
				if err := tt.handle(w, r); err != nil {
					t.Errorf("%s: %v", tt.name, err)
				}
			}))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request("POST", line(c)))
			if got := s.visit(cookieOf(t, w)); got.Code != tt.want {
				t.Errorf("%s: status %d, want %d", tt.name, got.Code, tt.want)
			}
		}
	})
}
