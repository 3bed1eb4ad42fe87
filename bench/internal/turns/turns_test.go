package turns_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/turns"
)

func TestNewSpread(t *testing.T) {
	got := turns.NewSpread([]float64{5, 1, 4, 2, 3})
	if want := (turns.Spread{Median: 3, Low: 2, High: 4}); got != want {
		t.Errorf("NewSpread = %v, want %v", got, want)
	}
}

func TestCompareAlternates(t *testing.T) {
	var order []byte
	one := func(name byte) turns.Func {
		return func(n int) {
			order = append(order, name)
			time.Sleep(time.Microsecond)
		}
	}
	turns.Compare(turns.Plan{Turn: time.Microsecond, Rounds: 3}, turns.Wall, one('r'), one('f'))
	if got, want := string(order), "rrrfffrffrrf"; got != want { // the first six calibrate
		t.Errorf("order = %q, want %q", got, want)
	}
}

func TestParallelSharesWork(t *testing.T) {
	var done atomic.Int64
	f := turns.Parallel(func() turns.Func { return func(n int) { done.Add(int64(n)) } })
	f(1001)
	if got := done.Load(); got < 1000 || got > 1002 {
		t.Errorf("did %d of 1001", got)
	}
}

var sink *[64]byte

func TestCost(t *testing.T) {
	bytes, allocs := turns.Cost(func(n int) {
		for range n {
			sink = new([64]byte)
		}
	})
	if bytes != 64 || allocs != 1 {
		t.Errorf("Cost = %d bytes, %d allocations, want 64 and 1", bytes, allocs)
	}
}
