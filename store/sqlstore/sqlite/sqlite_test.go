package sqlite_test

import (
	"testing"

	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// open opens a store in a file. The end of the test closes it.
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
