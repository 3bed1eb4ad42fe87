package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
)

func results(ratio float64) *report.Results {
	result := turns.Result{Ratio: turns.Spread{Median: ratio, Low: ratio, High: ratio}, Ns: 400, Reference: 300}
	return &report.Results{
		Ways: []report.Way{
			{Name: "keystile, bearer", Reference: "floor, bearer", One: result, All: result, Allocs: 2},
			{Name: "MCP SDK", Via: "github.com/modelcontextprotocol/go-sdk", Reference: "keystile, bearer", One: result, All: result},
		},
		Growth: []report.Growth{{Store: "Memory", Size: 1000, Ns: 20}, {Store: "Memory", Size: report.Large, Ns: 200, Bytes: 500, Collection: 20}},
	}
}

func TestVerdicts(t *testing.T) {
	for ratio, want := range map[float64][3]string{1.1: {"yes", "yes", "**no**"}, 1.3: {"**no**", "yes", "yes"}} {
		got := make(map[string]string)
		for _, v := range report.Verdicts(results(ratio)) {
			got[v.Path] = v.Answer()
		}
		for i, path := range []string{"bearer through the guard, one goroutine", "bearer through the guard, allocations", "MCP SDK beside keystile, bearer"} {
			if got[path] != want[i] {
				t.Errorf("at %v: %s: %q, want %q", ratio, path, got[path], want[i])
			}
		}
		for path, want := range map[string]string{
			"secret through the guard, one goroutine": "not measured",
			"Memory, bytes for each of 1 000 000":     "**no**",
			"Memory, full collection at 1 000 000":    "yes",
		} {
			if got[path] != want {
				t.Errorf("%s: %q, want %q", path, got[path], want)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	var b strings.Builder
	if err := results(1.3).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| bearer through the guard, one goroutine | at most 1.15 x | 1.30 (1.30-1.30) | **no** |", "| Memory | 1 000 000 |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestChartsAreXML(t *testing.T) {
	for name, chart := range map[string]string{"peers": report.PeersChart(results(1.3)), "growth": report.GrowthChart(results(1.3))} {
		d := xml.NewDecoder(strings.NewReader(chart))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, chart)
			}
		}
		if chart == "" {
			t.Errorf("%s: empty", name)
		}
	}
}

func TestBaseline(t *testing.T) {
	kept := report.Baseline{Processor: "a", Ways: map[string]report.Level{"bearer": {Allocs: 2, Ratio: 1.4}}}
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := kept.Write(path); err != nil {
		t.Fatal(err)
	}
	kept, err := report.ReadBaseline(path)
	if err != nil {
		t.Fatal(err)
	}
	of := func(allocs int, ratio float64) report.Baseline {
		return report.Baseline{Ways: map[string]report.Level{"bearer": {Allocs: allocs, Ratio: ratio}}}
	}
	another := of(2, 1.4)
	another.Ways["new"] = report.Level{}
	for name, tt := range map[string]struct {
		now          report.Baseline
		fine, allocs bool // for Compare, for CompareAllocs
	}{
		"the same":           {kept, true, true},
		"better":             {of(1, 1), true, true},
		"a little slower":    {of(2, 1.53), true, true},
		"slower":             {of(2, 1.55), false, true},
		"an allocation more": {of(3, 1.4), false, false},
		"gone":               {report.Baseline{}, false, false},
		"new, too":           {another, true, false},
	} {
		if err := kept.Compare(tt.now); (err == nil) != tt.fine {
			t.Errorf("%s: Compare: %v", name, err)
		}
		if err := kept.CompareAllocs(tt.now); (err == nil) != tt.allocs {
			t.Errorf("%s: CompareAllocs: %v", name, err)
		}
	}
}

func TestMiddleWays(t *testing.T) {
	run := func(one, all, scaling float64) report.Results {
		ratio := func(x float64) turns.Result { return turns.Result{Ratio: turns.Spread{Median: x}, Ns: 100 * x} }
		return report.Results{
			Ways:    []report.Way{{Name: "a", One: ratio(1), All: ratio(1)}, {Name: "b", One: ratio(one), All: ratio(all), Allocs: 2}},
			Scaling: report.Scaling{Floor: turns.Spread{Median: scaling}},
		}
	}
	ways, scaling := report.MiddleWays([]report.Results{run(3, 1, 1.2), run(1, 2, 1.9), run(2, 3, 1.5)})
	if len(ways) != 2 || ways[1].Name != "b" || ways[1].Allocs != 2 || ways[1].One.Ratio.Median != 2 || ways[1].One.Ns != 200 || ways[1].All.Ratio.Median != 2 {
		t.Errorf("ways %+v, want of b the run whose ratio is 2, of either", ways)
	}
	if scaling.Floor.Median != 1.5 {
		t.Errorf("scaling %+v, want 1.5", scaling.Floor)
	}
}

func TestMiddle(t *testing.T) {
	run := func(ratio float64) report.Baseline {
		return report.Baseline{Ways: map[string]report.Level{"bearer": {Allocs: 2, Ratio: ratio}}}
	}
	if got := report.Middle(run(3), run(1), run(2)).Ways["bearer"].Ratio; got != 2 {
		t.Errorf("Middle = %v, want 2", got)
	}
}
