package way_test

import (
	"testing"

	"github.com/keystile/keystile/bench/internal/way"
)

// A benchmark of refusals that were meant to be let through would be a fast one.
func TestEveryWay(t *testing.T) {
	all, err := way.All(100)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, w := range all {
		t.Run(w.Name, func(t *testing.T) {
			if names[w.Name] {
				t.Errorf("there are two ways with this name")
			}
			names[w.Name] = true
			for range 2 { // nothing that the first one leaves behind lets the second one in
				if err := w.Check(); err != nil {
					t.Error(err)
				}
			}
			w.Client()(200)
		})
	}
}

// Check finds a way that does not do what it should.
func TestCheckRefuses(t *testing.T) {
	_, require, _, err := way.Bearer(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	require.Status = 401
	if require.Check() == nil {
		t.Error("Check of a way that lets through what it should refuse: no error")
	}
}
