package storetest_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// The whole test of a store that keeps nothing after its process ends. One with
// a file or a server opens that where this calls NewMemory, reports what goes
// wrong by t.Fatal and closes it by t.Cleanup.
func ExampleRun() {
	testStore := func(t *testing.T) { // in a test file: func TestStore(t *testing.T)
		storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory() })
	}
	_ = testStore
}
