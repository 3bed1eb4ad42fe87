package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// B8: a Store that neither Open nor New has made says so.
func TestZeroStore(t *testing.T) {
	st := new(postgres.Store)
	zero.Refuses(t, "the Store was", []string{"Close", "Format", "Tx"}, st)
	if err := st.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
