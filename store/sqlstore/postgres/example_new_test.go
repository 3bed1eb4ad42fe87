package postgres_test

import (
	"context"
	"database/sql"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// The server of libpq's environment, in the form of "key=value". What the
// address does not say, such as the password, comes from there.
func ExampleOpen() {
	st, err := postgres.Open(context.Background(), "host=db.internal dbname=service sslmode=verify-full")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// A host that has connections already keeps its credentials through them.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://service@db.internal/service")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() // Store.Close does not
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		log.Fatal(err)
	}
	if err := st.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
}

// Package cache does this; others forget here what they know of a digest.
func ExampleStore_Watch() {
	ctx := context.Background()
	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	alive := func() {} // what happened half a second ago has been told
	changed := func(d store.Digest) { log.Print("something changed: ", d) }
	log.Print(st.Watch(ctx, alive, changed)) // then begin again, and take all for unknown
}
