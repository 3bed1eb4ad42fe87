package storetest_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// This is the whole test of a store in memory. For a store in a file or on a server,
// open an empty one instead of calling NewMemory, report errors by t.Fatal, and close
// it by t.Cleanup.
func ExampleRun() {
	testStore := func(t *testing.T) { // in a test file: func TestStore(t *testing.T)
		storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory() })
	}
	_ = testStore
}
