package throttle_test

import (
	"net/netip"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

var ada = &auth.Identity{Subject: "ada", Scheme: "Bearer"}

// What succeeds costs no allocation, also while others are blocked; nor does
// being told apart from them.
func TestAllocs(t *testing.T) {
	limiter, err := throttle.New(throttle.Config{Burst: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	valid := request(here, "Authorization", "Bearer valid")
	proxied := request("10.0.0.1:1", "Authorization", "Bearer valid", "X-Forwarded-For", "2001:db8::1, 10.0.0.2")
	wrong := request(there, "Authorization", "Bearer wrong")
	check := func(when string) {
		if n := testing.AllocsPerRun(100, func() {
			for _, r := range []string{here, there} {
				valid.RemoteAddr = r
				limiter.Wait(valid)
			}
			valid.RemoteAddr = here
			limiter.Done(valid, ada, nil)
			limiter.Wait(proxied)
			limiter.Done(proxied, ada, nil)
		}); n != 0 {
			t.Errorf("%s: %v allocations", when, n)
		}
	}
	check("before")
	limiter.Done(wrong, nil, auth.ErrInvalidCredentials)
	if limiter.Wait(wrong) == 0 {
		t.Fatal("not blocked")
	}
	check("while one is blocked")
	if n := testing.AllocsPerRun(100, func() { limiter.Wait(wrong) }); n != 0 {
		t.Errorf("refusing: %v allocations", n)
	}
}

func BenchmarkLimiter(b *testing.B) {
	limiter, err := throttle.New(throttle.Config{Burst: 1})
	if err != nil {
		b.Fatal(err)
	}
	valid := request(here, "Authorization", "Bearer pat_6cYmGYVOiKz5dPgmbBUVvqXzbtK8bJ6mcY8n8fWc2rv8nS")
	run := func(b *testing.B) {
		for b.Loop() {
			limiter.Wait(valid)
			limiter.Done(valid, ada, nil)
		}
	}
	b.Run("nobody blocked", run)
	limiter.Done(request(there, "Authorization", "Bearer wrong"), nil, auth.ErrInvalidCredentials)
	b.Run("another one blocked", run)
}
