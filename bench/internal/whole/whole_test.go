package whole_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/whole"
)

// TestMain makes the test the server and the load generator that it starts.
func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == whole.ServeArgument:
		err = whole.Serve(os.Stdin, os.Stdout)
	case len(os.Args) > 1 && os.Args[1] == whole.GenerateArgument:
		err = whole.Generate(os.Stdin, os.Stdout)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// That each request is answered as it should be is checked by whoever sends it.
func TestMeasure(t *testing.T) {
	loads, floods, err := whole.Measure(whole.Plan{Turn: 20 * time.Millisecond, Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(loads) != 5 || len(floods) != 2 {
		t.Fatalf("%d loads and %d floods, want 5 and 2", len(loads), len(floods))
	}
	for _, l := range loads {
		if l.PerSecond <= 0 || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
			t.Errorf("%+v", l)
		}
	}
}
