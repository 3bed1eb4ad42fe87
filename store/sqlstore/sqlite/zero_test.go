package sqlite_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// B8: a Store that Open has not made says so.
func TestZeroStore(t *testing.T) {
	st := new(sqlite.Store)
	zero.Refuses(t, "sqlstore: the Store was not made by New", []string{"Close", "Format", "Tx"}, st)
	if err := st.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
