package cookie_test

import "testing"

// TestAllocations holds the ceilings of BenchmarkGuard: what a request with a
// good cookie allocates on its way through the guard.
func TestAllocations(t *testing.T) {
	allocs := func(w way) float64 {
		d := &discard{w.request.Header.Clone()}
		return testing.AllocsPerRun(1000, func() {
			clear(d.h)
			w.handler.ServeHTTP(d, w.request)
		})
	}
	for _, pair := range ways(t) {
		floor, ours := allocs(pair[0]), allocs(pair[1])
		ceiling := floor
		if pair[1].name == "aead/keystile" {
			ceiling = 4
		}
		t.Logf("%s: %v allocations, %s: %v", pair[0].name, floor, pair[1].name, ours)
		if ours > ceiling {
			t.Errorf("%s: %v allocations, want at most %v", pair[1].name, ours, ceiling)
		}
	}
}
