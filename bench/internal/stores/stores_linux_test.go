package stores_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/stores"
	"github.com/keystile/keystile/bench/internal/turns"
)

var once = turns.Plan{Turn: time.Microsecond, Rounds: 1}

func TestMemory(t *testing.T) {
	grown, err := stores.Memory(once, []int{100, 1000})
	if err != nil || len(grown) != 2 {
		t.Fatalf("Memory = %v, %v", grown, err)
	}
	if b := grown[1].Bytes; b < 300 || b > 3000 {
		t.Errorf("%v bytes for each of a thousand credentials", b)
	}
}

func TestEngines(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	r, err := stores.Engines(once, []int{100, 300})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Finds) != 3 || len(r.Growth) != 6 || len(r.Ways) != 2 {
		t.Errorf("%d finds, %d sizes, %d caches, want 3, 6 and 2", len(r.Finds), len(r.Growth), len(r.Ways))
	}
}
