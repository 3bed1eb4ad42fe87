package main

import (
	"crypto/sha256"
	"runtime"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/stores"
	"github.com/keystile/keystile/bench/internal/turns"
	"github.com/keystile/keystile/bench/internal/way"
	"github.com/keystile/keystile/bench/internal/whole"
)

// notes are what the reader of the results has to know of what is not there.
var notes = []string{
	"auth0/go-jwt-middleware is v2, the newest that the Go module proxy had: its v3 could not be fetched. The tokens of a Kubernetes file have no expiry, so an expired one is not measured there.",
}

// A part is one of the things that are measured.
type part struct {
	name    string
	measure func(r *report.Results, short bool) error
}

var parts = []part{
	{"ways", measureWays},
	{"large", measureLarge},
	{"engines", measureEngines},
	{"server", measureServer},
	{"memory", measureMemory}, // last: it leaves much behind
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func plan(short bool) turns.Plan {
	if short {
		return turns.Short
	}
	return turns.Full
}

// credentials is how many there are for each way.
const credentials = 1000

// processes is how many measure the ways, one after the other.
const processes = 5

func measureWays(r *report.Results, short bool) error {
	if short {
		found, err := waysHere(turns.Short)
		r.Ways, r.Scaling = found.Ways, found.Scaling
		return err
	}
	var runs []report.Results
	for range processes {
		var found report.Results
		if err := ask("", waysArgument, &found); err != nil {
			return err
		}
		runs = append(runs, found)
	}
	r.Ways, r.Scaling = report.MiddleWays(runs)
	return nil
}

// waysHere measures the ways in this process.
func waysHere(p turns.Plan) (r report.Results, err error) {
	all, err := way.All(credentials)
	if err != nil {
		return r, err
	}
	pairs, err := way.Pairs(all)
	if err != nil {
		return r, err
	}
	for _, w := range all {
		if err := w.Check(); err != nil {
			return r, err
		}
	}
	var noContext, floor *way.Way
	for _, pair := range pairs {
		r.Ways = append(r.Ways, compare(p, pair.Way, pair.Reference))
		switch pair.Way.Name {
		case way.OursBearer:
			floor = pair.Reference
		case way.OursBearer + way.NoContext:
			noContext = pair.Way
		}
	}
	hash := func() turns.Func {
		var b [64]byte
		return func(n int) {
			for range n {
				sum := sha256.Sum256(b[:])
				b[0] = sum[0]
			}
		}
	}
	r.Scaling = report.Scaling{NoContext: scaling(p, noContext.Client), Floor: scaling(p, floor.Client), Machine: scaling(p, hash)}
	return r, nil
}

// compare measures w by turns with reference, which are checked.
func compare(p turns.Plan, w, reference *way.Way) report.Way {
	row := report.Way{Name: w.Name, Reference: reference.Name, Via: w.Via,
		One: turns.Serial(p, reference.Client, w.Client),
		All: turns.AllCores(p, reference.Client, w.Client),
	}
	row.Bytes, row.Allocs = turns.Cost(w.Client())
	return row
}

// scaling returns how many times the throughput of one goroutine all processors
// have.
func scaling(p turns.Plan, client func() turns.Func) turns.Spread {
	return turns.Compare(p, turns.Wall, turns.Parallel(client), client()).Ratio
}

// measureLarge compares a million tokens with a sharded map of as many.
func measureLarge(r *report.Results, short bool) error {
	if short {
		return nil // the tokens alone take too long
	}
	floor, require, authenticate, err := way.Bearer(report.Large, 256)
	if err != nil {
		return err
	}
	floor.Name = report.LargeName("floor, sharded, bearer")
	for _, w := range []*way.Way{floor, require, authenticate} {
		if err := w.Check(); err != nil {
			return err
		}
	}
	runtime.GC()
	for _, w := range []*way.Way{require, authenticate} {
		row := compare(plan(short), w, floor)
		row.Name = report.LargeName(row.Name)
		r.Ways = append(r.Ways, row)
	}
	return nil
}

func measureEngines(r *report.Results, short bool) error {
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	if short {
		sizes = []int{1_000, 10_000}
	}
	found, err := stores.Engines(plan(short), sizes)
	r.Finds, r.Growth = append(r.Finds, found.Finds...), append(r.Growth, found.Growth...)
	r.Ways = append(r.Ways, found.Ways...)
	return err
}

func measureServer(r *report.Results, short bool) (err error) {
	p := whole.Plan{Turn: 500 * time.Millisecond, Rounds: 30}
	if short {
		p = whole.Plan{Turn: 100 * time.Millisecond, Rounds: 5}
	}
	r.Loads, r.Flood, err = whole.Measure(p)
	return err
}

func measureMemory(r *report.Results, short bool) error {
	sizes := []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000}
	if short {
		sizes = sizes[:3]
	}
	grown, err := stores.Memory(plan(short), sizes)
	r.Growth = append(grown, r.Growth...)
	return err
}
