package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// This is WRONG: the connections are those of another driver than pgx. New cannot
// see that, as it does not connect; Watch can.
func Example_incorrect() {
	db, err := sql.Open("sqlite", "file::memory:") // WRONG: not "pgx"
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Watch(context.Background(), func() {}, func(store.Digest) {}))
	// Output:
	// postgres: watch: connections of *sqlite.conn: those of github.com/jackc/pgx/v5/stdlib are needed
}
