package cookie_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
)

// TestAllocations holds the ceilings of BenchmarkGuard: what a request with a
// good cookie allocates on its way through the guard.
func TestAllocations(t *testing.T) {
	for _, pair := range ways(t) {
		floor, ours := pair[0].allocs(), pair[1].allocs()
		ceiling := floor
		if pair[1].name == "aead/keystile" {
			ceiling = 3
		}
		t.Logf("%s: %v allocations, %s: %v", pair[0].name, floor, pair[1].name, ours)
		if ours > ceiling {
			t.Errorf("%s: %v allocations, want at most %v", pair[1].name, ours, ceiling)
		}
	}
}

func (w way) allocs() float64 {
	d := &discard{make(http.Header)}
	return testing.AllocsPerRun(1000, func() {
		clear(d.h)
		w.handler.ServeHTTP(d, w.request)
	})
}

// TestAllocationsNearTheEnd visits when a renewal would be due, if it could
// lengthen the session: the cookie is not opened a second time to find that out.
func TestAllocationsNearTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: cookie.AEAD, Lifetime: time.Hour})
		c, _ := s.signIn(t, nil)
		time.Sleep(30 * time.Minute)
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		w := way{handler: s.guard.Require()(next), request: request("GET", line(c))}
		if ours := w.allocs(); ours > 3 {
			t.Errorf("%v allocations, want at most 3", ours)
		}
	})
}
