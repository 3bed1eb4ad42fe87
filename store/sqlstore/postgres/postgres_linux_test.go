package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/storetest"
)

// open opens a store, which the test's end closes.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), dsn)
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
	dsn := services.StartPostgres(t).DSN("postgres")
	st := open(t, dsn)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Run(t, func(t *testing.T) store.Store {
		if _, err := db.ExecContext(t.Context(), `TRUNCATE keystile_credentials`); err != nil {
			t.Fatal(err)
		}
		return st
	})
}

var _ = fmt.Sprint
var _ context.Context
