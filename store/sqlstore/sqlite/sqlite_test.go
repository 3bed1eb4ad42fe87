package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
	"github.com/keystile/keystile/store/storetest"
)

// open opens a store in a file, which the test's end closes.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// The whole contract. R1 R3 R4 R6 R8 R10
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "credentials.db")) })
}
