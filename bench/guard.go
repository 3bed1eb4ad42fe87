package main

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
	"github.com/keystile/keystile/bench/internal/way"
)

// tries is how often the guard measures before it believes that something has
// become worse: on a busy machine a ratio may be off by a tenth, three times in
// a row it hardly is. The best counts, way by way.
const tries = 3

var guardPlan = turns.Plan{Turn: 5 * time.Millisecond, Rounds: 41}

// compareBaseline returns an error if keystile is worse than a baseline: in
// allocations and, if asked, in its ratios to the floor.
func compareBaseline(path string, ratios bool) error {
	kept, err := report.ReadBaseline(path)
	if err != nil {
		return err
	}
	what := "allocations, and ratios to the floor"
	if !ratios {
		what = "allocations"
		for name, level := range kept.Ways {
			level.Ratio = math.Inf(1)
			kept.Ways[name] = level
		}
	}
	var runs []report.Baseline
	for try := range tries {
		now, err := measureOurs()
		if err != nil {
			return err
		}
		runs = append(runs, now)
		if !ratios { // it is that of this very version
			if err := kept.Complete(now); err != nil {
				return err
			}
		}
		best := report.Best(runs...)
		if err = kept.Compare(best); err == nil {
			fmt.Printf("%d ways are no worse than in %s: %s\n", len(best.Ways), path, what)
			return nil
		}
		if try == tries-1 {
			return fmt.Errorf("worse than %s, in the best of %d runs:\n%w", path, tries, err)
		}
		fmt.Fprintf(os.Stderr, "bench: measuring again:\n%v\n", err)
	}
	return nil
}

// writeBaseline writes the median of several runs.
func writeBaseline(path string) error {
	var runs []report.Baseline
	for range tries {
		now, err := measureOurs()
		if err != nil {
			return err
		}
		runs = append(runs, now)
	}
	return report.Middle(runs...).Write(path)
}

// oursHere is measureOurs in this process.
func oursHere() (report.Baseline, error) {
	b := report.Baseline{Processor: report.ThisMachine().Processor, Ways: make(map[string]report.Level)}
	ours, err := way.Ours(credentials)
	if err != nil {
		return b, err
	}
	pairs, err := way.Pairs(ours)
	if err != nil {
		return b, err
	}
	for _, w := range ours {
		if err := w.Check(); err != nil {
			return b, err
		}
	}
	for _, pair := range pairs {
		result := turns.Serial(guardPlan, pair.Reference.Client, pair.Way.Client)
		_, allocs := turns.Cost(pair.Way.Client())
		b.Ways[pair.Way.Name] = report.Level{Allocs: allocs, Ratio: result.Ratio.Median}
	}
	return b, nil
}
