package storetest_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// This is WRONG: every check gets the same store, with the rows of the previous
// checks in it, so the suite fails even for a correct store. Open an empty one each
// time.
func Example_incorrect() {
	st := store.NewMemory()
	testStore := func(t *testing.T) { // in a test file: func TestStore(t *testing.T)
		storetest.Run(t, func(t *testing.T) store.Store { return st }) // WRONG: not empty
	}
	_ = testStore
}
