package storetest_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// This is WRONG: every check gets the same store, with what the checks before have
// left in it. The second one that inserts a credential finds it there, and the
// suite fails for a store that has no fault. Open an empty one each time.
func Example_incorrect() {
	st := store.NewMemory()
	testStore := func(t *testing.T) { // in a test file: func TestStore(t *testing.T)
		storetest.Run(t, func(t *testing.T) store.Store { return st }) // WRONG: not empty
	}
	_ = testStore
}
