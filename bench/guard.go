package main

import (
	"fmt"
	"os"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
	"github.com/keystile/keystile/bench/internal/way"
)

var guardPlan = turns.Plan{Turn: 5 * time.Millisecond, Rounds: 41}

// compareBaseline returns an error if anything allocates more than a baseline
// says. Ratios are not compared, which are another machine's.
func compareBaseline(path string) error {
	kept, err := report.ReadBaseline(path)
	if err != nil {
		return err
	}
	now, err := measureOurs()
	if err != nil {
		return err
	}
	if err := kept.CompareAllocs(now); err != nil {
		return fmt.Errorf("worse than %s:\n%w", path, err)
	}
	fmt.Printf("%d ways allocate no more than in %s\n", len(now.Ways), path)
	return nil
}

// Either of two versions is measured at least so often before they are compared,
// and so often before what is worse then is believed to be.
const (
	minTries = 3
	maxTries = 9
)

// compareProgram returns an error if anything costs more than in another build of
// this program. They are measured by turns, and the median of each counts, way by
// way: what a busy machine or the chance of memory adds passes, a loss stays.
func compareProgram(program string) error {
	var before, now []report.Baseline
	for try := 1; ; try++ {
		for _, version := range []struct {
			program string
			runs    *[]report.Baseline
		}{{program, &before}, {"", &now}} {
			var run report.Baseline
			if err := ask(version.program, oursArgument, &run); err != nil {
				return err
			}
			*version.runs = append(*version.runs, run)
		}
		if try < minTries {
			continue
		}
		err := report.Middle(before...).Compare(report.Middle(now...))
		switch {
		case err == nil:
			fmt.Printf("%d ways cost no more than in %s, as ratios to the floor and in allocations\n", len(before[0].Ways), program)
			return nil
		case try == maxTries:
			return fmt.Errorf("worse than %s, in the median of %d runs of either:\n%w", program, maxTries, err)
		}
		fmt.Fprintf(os.Stderr, "bench: measuring again:\n%v\n", err)
	}
}

// writeBaseline writes the median of several runs.
func writeBaseline(path string) error {
	var runs []report.Baseline
	for range minTries {
		now, err := measureOurs()
		if err != nil {
			return err
		}
		runs = append(runs, now)
	}
	return report.Middle(runs...).Write(path)
}

// measureOurs measures what keystile does, beside the floors.
func measureOurs() (report.Baseline, error) {
	var b report.Baseline
	err := ask("", oursArgument, &b)
	return b, err
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
