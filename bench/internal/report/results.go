// Package report turns what was measured into a table, a verdict for each
// target, charts, and a baseline to compare later runs with.
package report

import (
	"cmp"
	"slices"

	"github.com/keystile/keystile/bench/internal/turns"
)

// Results are what one run has measured.
type Results struct {
	Short   bool
	Machine Machine
	Notes   []string // of what is missing

	Ways    []Way
	Scaling Scaling
	Growth  []Growth
	Finds   []Find
	Loads   []Load
	Flood   []Flood
}

// A Way is one way through, by turns with another one.
type Way struct {
	Name, Reference string
	Via             string       // the module it is from
	One, All        turns.Result // one goroutine, and one for each processor
	Bytes, Allocs   int
}

// Scaling is how many times faster all processors are than one, each kind of
// work by turns with itself.
type Scaling struct {
	NoContext turns.Spread // keystile, bearer, no context
	Floor     turns.Spread // the floor, with its context
	Machine   turns.Spread // SHA-256 of the same bytes, which shares nothing: what the machine can do
}

// Growth is what a store costs at a size.
type Growth struct {
	Store      string
	Size       int
	Ns         float64 // of a Find of any of its credentials
	Bytes      float64 // for each credential, its indexes included
	Collection float64 // milliseconds of a full one; 0: not of this process
}

// A Find compares a store's with the driver's own call.
type Find struct {
	Store, What   string
	Result        turns.Result
	Bytes, Allocs int // of Find
	DriverAllocs  int
}

// A Load is what a whole server answered under a closed loop.
type Load struct {
	Path          string       // open, bearer, AEAD cookie
	PerSecond     float64      // requests
	Share         turns.Spread // of what the open server answers, by turns
	P50, P99, Max float64      // microseconds; Max is p99.9
}

// A Flood is the latency of good requests with and without ten bad ones for
// each.
type Flood struct {
	Path        string
	Quiet, With float64      // microseconds, p99
	Ratio       turns.Spread // by turns
}

// MiddleWays returns of each way the run in the middle, by its ratio, and so of
// the scaling. The runs have the same ways.
func MiddleWays(runs []Results) ([]Way, Scaling) {
	var ways []Way
	for i, w := range runs[0].Ways {
		w.One = middle(runs, func(r Results) turns.Result { return r.Ways[i].One }, byRatio)
		w.All = middle(runs, func(r Results) turns.Result { return r.Ways[i].All }, byRatio)
		ways = append(ways, w)
	}
	return ways, Scaling{
		NoContext: middle(runs, func(r Results) turns.Spread { return r.Scaling.NoContext }, byMedian),
		Floor:     middle(runs, func(r Results) turns.Spread { return r.Scaling.Floor }, byMedian),
		Machine:   middle(runs, func(r Results) turns.Spread { return r.Scaling.Machine }, byMedian),
	}
}

func byMedian(a, b turns.Spread) int { return cmp.Compare(a.Median, b.Median) }
func byRatio(a, b turns.Result) int  { return byMedian(a.Ratio, b.Ratio) }

func middle[T any](runs []Results, of func(Results) T, order func(a, b T) int) T {
	var all []T
	for _, r := range runs {
		all = append(all, of(r))
	}
	slices.SortFunc(all, order)
	return all[len(all)/2]
}

func (r *Results) way(name, reference string) (Way, bool) {
	for _, w := range r.Ways {
		if w.Name == name && (reference == "" || w.Reference == reference) {
			return w, true
		}
	}
	return Way{}, false
}
