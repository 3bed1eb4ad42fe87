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

// Loss is by how much a ratio may grow.
const Loss = 1.10

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

// ReadBaseline reads what [Baseline.Write] has written.
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

// Compare returns an error that names what of now is worse than b: an allocation
// more, or a ratio that has grown by more than Loss; and what is no longer
// measured.
func (b Baseline) Compare(now Baseline) error {
	return b.each(now, func(kept, got Level) error {
		return errors.Join(moreAllocs(kept, got), higherRatio(kept, got))
	})
}

// CompareAllocs returns an error that names what of now allocates more than in b,
// and what only one of them has measured.
func (b Baseline) CompareAllocs(now Baseline) error {
	errs := []error{b.each(now, moreAllocs)}
	for _, name := range slices.Sorted(maps.Keys(now.Ways)) {
		if _, ok := b.Ways[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: is not in the baseline: write it anew", name))
		}
	}
	return errors.Join(errs...)
}

// each compares the levels of b, in the order of their names.
func (b Baseline) each(now Baseline, compare func(kept, got Level) error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(b.Ways)) {
		got, ok := now.Ways[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: is no longer measured", name))
		} else if err := compare(b.Ways[name], got); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func moreAllocs(kept, got Level) error {
	if got.Allocs > kept.Allocs {
		return fmt.Errorf("%d allocations, were %d", got.Allocs, kept.Allocs)
	}
	return nil
}

func higherRatio(kept, got Level) error {
	if got.Ratio > kept.Ratio*Loss {
		return fmt.Errorf("%.2f x the floor, was %.2f", got.Ratio, kept.Ratio)
	}
	return nil
}

// Middle returns the median of several runs, way by way. The best one would be no
// measure: a ratio is best where the floor was held up.
func Middle(runs ...Baseline) Baseline {
	out := Baseline{Processor: runs[0].Processor, Ways: make(map[string]Level)}
	for name := range runs[0].Ways {
		var allocs []int
		var ratios []float64
		for _, run := range runs {
			allocs = append(allocs, run.Ways[name].Allocs)
			ratios = append(ratios, run.Ways[name].Ratio)
		}
		slices.Sort(ratios)
		out.Ways[name] = Level{slices.Min(allocs), math.Round(ratios[len(ratios)/2]*1000) / 1000}
	}
	return out
}
