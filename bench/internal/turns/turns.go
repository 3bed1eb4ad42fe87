// Package turns measures things by turns: each alternates with what it is
// compared with, in short turns within one process, so that whatever else the
// machine does slows both alike. Of each pair of neighbouring turns it takes the
// ratio, and of the ratios the median.
package turns

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A Func does something n times.
type Func func(n int)

// A Plan says how long to measure.
type Plan struct {
	Turn   time.Duration // of either side
	Rounds int           // pairs of turns
}

// Full and Short are the plans of a whole run and of one for CI. A turn is long
// enough for a garbage collection or two, so that a median does not leave out
// what garbage costs.
var (
	Full  = Plan{10 * time.Millisecond, 80}
	Short = Plan{3 * time.Millisecond, 9}
)

// A Spread is a median and the quartiles around it.
type Spread struct{ Median, Low, High float64 }

func (s Spread) String() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.Median, s.Low, s.High) }

// NewSpread returns the spread of values, which it sorts.
func NewSpread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN()}
	}
	slices.Sort(values)
	at := func(quantile float64) float64 { return values[int(quantile*float64(len(values)-1)+0.5)] }
	return Spread{at(0.5), at(0.25), at(0.75)}
}

// A Result compares a Func with its reference.
type Result struct {
	Ratio         Spread  // of the times
	Ns, Reference float64 // medians, per operation
	More          Spread  // by how many nanoseconds an operation takes longer
}

// Compare measures f by turns with reference.
func Compare(p Plan, reference, f Func) Result {
	both := [2]Func{reference, f}
	var n [2]int
	for i, f := range both {
		n[i] = calibrate(f, p.Turn)
	}
	var ns [2][]float64
	var ratios, more []float64
	for round := range p.Rounds {
		var took [2]float64
		for k := range both {
			i := (k + round) % 2 // each goes first as often
			start := time.Now()
			both[i](n[i])
			took[i] = float64(time.Since(start).Nanoseconds()) / float64(n[i])
			ns[i] = append(ns[i], took[i])
		}
		ratios = append(ratios, took[1]/took[0])
		more = append(more, took[1]-took[0])
	}
	return Result{NewSpread(ratios), NewSpread(ns[1]).Median, NewSpread(ns[0]).Median, NewSpread(more)}
}

// calibrate returns how often f can be done in a turn.
func calibrate(f Func, turn time.Duration) int {
	for n := 1; ; {
		start := time.Now()
		f(n)
		took := time.Since(start)
		if took >= turn/4 {
			return max(1, int(float64(n)*float64(turn)/float64(took)))
		}
		n *= 2
	}
}

// Parallel returns a Func that shares its work among one goroutine for each
// processor. Each has a Func of its own.
func Parallel(client func() Func) Func {
	clients := make([]Func, runtime.GOMAXPROCS(0))
	for i := range clients {
		clients[i] = client()
	}
	return func(n int) {
		var wait sync.WaitGroup
		for i, f := range clients {
			wait.Go(func() { f((n + i) / len(clients)) })
		}
		wait.Wait()
	}
}

// Cost returns how many bytes and how many times f allocates. Both are rounded
// down, as what happens once in many times is not f's.
func Cost(f Func) (bytes, allocs int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const n = 500
	f(n) // what is made once, and kept
	bytes, allocs = math.MaxInt, math.MaxInt
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f(n)
		runtime.ReadMemStats(&after)
		bytes = min(bytes, int(after.TotalAlloc-before.TotalAlloc)/n)
		allocs = min(allocs, int(after.Mallocs-before.Mallocs)/n)
	}
	return bytes, allocs
}
