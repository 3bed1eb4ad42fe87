package postgres_test

import (
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// Check names the problems of a server, and returns nil for a correct one.
func TestCheck(t *testing.T) {
	if err := open(t, empty(t)).Check(t.Context()); err != nil {
		t.Errorf("of a healthy server: %v", err)
	}
	careless := services.StartPostgres(t, "fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=20")
	owner := open(t, careless.DSN("postgres"))
	careless.Query(`CREATE ROLE reader LOGIN`)
	careless.Query(`GRANT SELECT ON keystile_credentials, keystile_migrations TO reader`)
	st, err := postgres.New(sqlstore.Config{DB: pool(t, strings.Replace(careless.DSN("postgres"), "postgres@", "reader@", 1))})
	if err != nil {
		t.Fatal(err)
	}
	for range 15 {
		conn, err := owner.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	careless.Query(`DELETE FROM keystile_migrations`)
	// A clock that is ahead: this function is found before the built-in one.
	careless.Query(`CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '61 seconds' $$`)
	careless.Query(`ALTER ROLE reader SET search_path = public, pg_catalog`)
	err = st.Check(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	for _, finding := range []string{"fsync", "full_page_writes", "synchronous_commit", "GRANT INSERT", "GRANT DELETE", "migrations", "connections are in use", "clocks"} {
		if !strings.Contains(err.Error(), finding) {
			t.Errorf("Check does not name %s: %v", finding, err)
		}
	}
}

// S8: Open refuses a database that refuses writes, even on a primary.
func TestOpenReadOnly(t *testing.T) {
	server := services.StartPostgres(t)
	open(t, server.DSN("postgres"))
	server.Query(`ALTER DATABASE postgres SET default_transaction_read_only = on`)
	if st, err := postgres.Open(t.Context(), server.DSN("postgres")); err == nil {
		st.Close()
		t.Error("Open: no error")
	}
	st, err := postgres.New(sqlstore.Config{DB: pool(t, server.DSN("postgres"))})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "default_transaction_read_only") {
		t.Errorf("Check: %v, want default_transaction_read_only named", err)
	}
}
