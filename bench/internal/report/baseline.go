package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
)

// By how much a ratio may grow beyond the baseline: on a processor of the model
// that the baseline is from, and on another one. SHA-256 is three times as fast
// where the processor has instructions for it, and it is part of both sides of
// the ratio, but not the same part.
const (
	Loss      = 1.10
	Elsewhere = 1.25
)

// A Baseline is what a later run is compared with: what depends little on the
// machine.
type Baseline struct {
	Processor string           `json:"processor"`
	Ways      map[string]Level `json:"ways"`
}

// A Level is how many times a way allocates, and its ratio to the floor.
type Level struct {
	Allocs int     `json:"allocs"`
	Ratio  float64 `json:"ratio"`
}

// ReadBaseline reads what WriteBaseline has written.
func ReadBaseline(path string) (b Baseline, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("report: baseline %q: %w", path, err)
	}
	return b, nil
}

// Write writes b to a file, in the order of its names.
func (b Baseline) Write(path string) error {
	text, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Tolerance is by how much a ratio of now may be higher than b's.
func (b Baseline) Tolerance(now Baseline) float64 {
	if b.Processor == now.Processor {
		return Loss
	}
	return Elsewhere
}

// Compare returns an error that names what of now is worse than b: an allocation
// more, or a ratio beyond the tolerance; and what is no longer measured.
func (b Baseline) Compare(now Baseline) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(b.Ways)) {
		kept := b.Ways[name]
		got, ok := now.Ways[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: is no longer measured", name))
			continue
		}
		if got.Allocs > kept.Allocs {
			errs = append(errs, fmt.Errorf("%s: %d allocations, were %d", name, got.Allocs, kept.Allocs))
		}
		if got.Ratio > kept.Ratio*b.Tolerance(now) {
			errs = append(errs, fmt.Errorf("%s: %.2f x the floor, was %.2f", name, got.Ratio, kept.Ratio))
		}
	}
	return errors.Join(errs...)
}

// Complete returns an error that names what of now is not in b, and so is not
// guarded by it.
func (b Baseline) Complete(now Baseline) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(now.Ways)) {
		if _, ok := b.Ways[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: is not in the baseline: write it anew", name))
		}
	}
	return errors.Join(errs...)
}

// Best returns the best of several runs, way by way. What disturbs a measurement
// on a busy machine makes it worse far more often than better.
func Best(runs ...Baseline) Baseline { return pick(runs, 0) }

// Middle returns the median of several runs, way by way.
func Middle(runs ...Baseline) Baseline { return pick(runs, len(runs)/2) }

func pick(runs []Baseline, i int) Baseline {
	out := Baseline{Processor: runs[0].Processor, Ways: make(map[string]Level)}
	for name := range runs[0].Ways {
		var allocs []int
		var ratios []float64
		for _, run := range runs {
			allocs = append(allocs, run.Ways[name].Allocs)
			ratios = append(ratios, run.Ways[name].Ratio)
		}
		slices.Sort(ratios)
		out.Ways[name] = Level{slices.Min(allocs), math.Round(ratios[i]*1000) / 1000}
	}
	return out
}
