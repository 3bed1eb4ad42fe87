package throttle_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

// B7: the address of the connection, or what trusted proxies vouch for; by the /64 in
// IPv6, and those that cannot be told are one.
func TestAddresses(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:172.16.0.0/108")}
	tests := []struct {
		name         string
		failed       string // the peer, and what X-Forwarded-For says
		failedVia    string
		next, nextBy string
		blocked      bool
	}{
		{"same /64", "[2001:db8::1]:1", "", "[2001:db8::ffff:1]:1", "", true},
		{"another /64", "[2001:db8:0:1::1]:1", "", "[2001:db8:0:2::1]:1", "", false},
		{"a zone", "[fe80::1%eth0]:1", "", "[fe80::1%eth1]:1", "", true},
		{"IPv4 neighbours", "192.0.2.1:1", "", "192.0.2.2:1", "", false},
		{"IPv4 and the IPv6 network of IPv4", "192.0.2.1:1", "", "[::1]:1", "", false},
		{"loopback", "[::1]:1", "", "[::1]:2", "", true},
		{"no address, loopback", "@", "", "[::1]:2", "", false},
		{"spoofed, no proxy", "192.0.2.1:1", "203.0.113.1", "192.0.2.1:1", "203.0.113.2", true},
		{"through a proxy", "10.0.0.1:1", "203.0.113.1", "10.0.0.1:1", "203.0.113.2", false},
		{"through two proxies", "10.0.0.1:1", "203.0.113.1", "172.16.0.1:1", "203.0.113.1", true},
		{"spoofed, through a proxy", "10.0.0.1:1", "198.51.100.1, 203.0.113.1", "10.0.0.1:1", "198.51.100.2, 203.0.113.1", true},
		{"garbage", "10.0.0.1:1", "unknown", "10.0.0.2:1", "_hidden", true},
		{"garbage and an address", "10.0.0.1:1", "unknown", "10.0.0.1:1", "203.0.113.1", false},
		{"Unix socket", "@", "", "@", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := setup(t, throttle.Config{Burst: 1, TrustedProxies: proxies})
			send := func(remote, via string) int {
				r := request(remote, "Authorization", "Bearer "+s.token)
				if via != "" {
					r.Header.Set("X-Forwarded-For", via)
				}
				return s.do(r).Code
			}
			r := request(tt.failed, "Authorization", "Bearer wrong")
			if tt.failedVia != "" {
				r.Header.Set("X-Forwarded-For", tt.failedVia)
			}
			if got := s.do(r).Code; got != 401 {
				t.Fatalf("%d, want 401", got)
			}
			want := 200
			if tt.blocked {
				want = 429
			}
			if got := send(tt.next, tt.nextBy); got != want {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
}

// B5: however many others fail, a blocked address stays blocked, and who has not
// failed passes.
func TestEviction(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 3, Interval: time.Hour, Addresses: 64})
	s.fail(t, 3, here)
	for i := range 20_000 {
		remote := fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>8, i&0xff)
		s.fail(t, 2, remote)
	}
	s.want(t, "after a flood", 429, here, "wrong")
	s.want(t, "elsewhere", 200, there, s.token)
}

// Those that are under way together are let through, but what fails of them is
// owed: who guesses many at a time makes no more guesses than who waits.
func TestParallel(t *testing.T) {
	const interval = time.Minute
	for _, tt := range []struct {
		atOnce int
		wait   time.Duration
	}{
		{1, 0},
		{2, interval}, // the bucket is just empty
		{10, 9 * interval},
		{60, 59 * interval},
		{200, time.Hour}, // and no longer
	} {
		t.Run(fmt.Sprint(tt.atOnce), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, begun := slowService(t, throttle.Config{Burst: 2, Interval: interval})
				var wg sync.WaitGroup
				for range tt.atOnce {
					wg.Go(func() { s.want(t, "in parallel", 401, here, "wrong") })
				}
				synctest.Wait()
				close(begun)
				wg.Wait()
				if tt.wait == 0 {
					s.fail(t, 1, here)
					return
				}
				if w := s.do(request(here, "Authorization", "Bearer wrong")); w.Code != 429 || w.Header().Get("Retry-After") != fmt.Sprint(tt.wait.Seconds()) {
					t.Errorf("%d, Retry-After %s, want 429, %v", w.Code, w.Header().Get("Retry-After"), tt.wait)
				}
				time.Sleep(tt.wait)
				s.fail(t, 1, here)
				s.want(t, "after the one that came back", 429, here, "wrong")
			})
		})
	}
}

// slowService answers nobody before the channel is closed.
func slowService(t *testing.T, cfg throttle.Config) (*service, chan struct{}) {
	t.Helper()
	s := setup(t, cfg)
	begun := make(chan struct{})
	slow := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		<-begun
		return s.tokens.Authenticate(r)
	})
	limiter, err := throttle.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{slow}, Throttle: limiter})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = guard.Require()(s.handler)
	return s, begun
}

// Over a day, guesses that are sent 50 at a time, as soon as the limit lets them,
// are no more than the bucket has.
func TestParallelGainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst, interval, day = 20, time.Minute, 24 * time.Hour
		limiter, err := throttle.New(throttle.Config{Burst: burst, Interval: interval})
		if err != nil {
			t.Fatal(err)
		}
		guess := request(here, "Authorization", "Bearer wrong")
		guesses := 0
		for end := time.Now().Add(day); time.Now().Before(end); time.Sleep(time.Second) {
			if limiter.Wait(guess) > 0 {
				continue
			}
			for range 50 {
				guesses++
				limiter.Done(guess, nil, auth.ErrInvalidCredentials)
			}
		}
		if most := burst + int(day/interval) + 50; guesses > most {
			t.Errorf("%d guesses a day, want at most %d", guesses, most)
		}
	})
}
