package soak_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/soak"
)

// TestMain makes the test the service that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == soak.ServeArgument {
		if err := soak.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// R1 R2 R3 C6 B2 B4: under load, and while stores fail, what was acknowledged
// holds. KEYSTILE_TEST_SOAK is how long it runs.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	length, err := time.ParseDuration(cmp.Or(os.Getenv("KEYSTILE_TEST_SOAK"), "15s"))
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []string{"memory", "sqlite", "postgres+cache", "redis"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r, err := soak.Run(t.Context(), t, engine, soak.Plan{For: length, Clients: 32, Pause: 100 * time.Millisecond, Seed: rand.Uint64()})
			if err != nil {
				t.Fatal(err)
			}
			r.Write(t.Output())
			if !r.OK() {
				t.Error("the service has not kept its word")
			}
		})
	}
}
