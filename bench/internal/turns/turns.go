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

// A Clock tells how much time has passed since some moment.
type Clock func() time.Duration

var started = time.Now()

// Wall is the time that everybody knows. It is for what waits.
func Wall() time.Duration { return time.Since(started) }

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
func Compare(p Plan, clock Clock, reference, f Func) Result {
	runtime.LockOSThread() // whose time it may be
	defer runtime.UnlockOSThread()
	both := [2]Func{reference, f}
	var n [2]int
	for i, f := range both {
		n[i] = calibrate(f, clock, p.Turn)
	}
	var ns [2][]float64
	var ratios, more []float64
	for round := range p.Rounds {
		var took [2]float64
		for k := range both {
			i := (k + round) % 2 // each goes first as often
			start := clock()
			both[i](n[i])
			took[i] = float64(clock()-start) / float64(n[i])
			ns[i] = append(ns[i], took[i])
		}
		ratios = append(ratios, took[1]/took[0])
		more = append(more, took[1]-took[0])
	}
	return Result{NewSpread(ratios), NewSpread(ns[1]).Median, NewSpread(ns[0]).Median, NewSpread(more)}
}

// calibrate returns how often f can be done in a turn.
func calibrate(f Func, clock Clock, turn time.Duration) int {
	for n := 1; ; {
		took := time.Duration(math.MaxInt64)
		for range 3 { // a garbage collection may begin in one of them
			start := clock()
			f(n)
			took = min(took, clock()-start)
		}
		if took >= turn/4 {
			return max(1, int(float64(n)*float64(turn)/float64(took)))
		}
		n *= 2
	}
}

// Serial compares two clients that run on one goroutine each.
func Serial(p Plan, reference, f func() Func) Result {
	return Compare(p, Thread, reference(), f())
}

// AllCores compares clients that run on all processors at once. The times are
// those of the processors together: an operation keeps one of them busy for so
// long.
func AllCores(p Plan, reference, f func() Func) Result {
	return Compare(p, Process, Parallel(reference), Parallel(f))
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
