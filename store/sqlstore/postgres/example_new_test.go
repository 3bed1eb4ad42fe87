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

// A DSN may have the form "key=value". Settings that it lacks, such as the password,
// come from the environment variables of libpq.
func ExampleOpen() {
	st, err := postgres.Open(context.Background(), "host=db.internal dbname=service sslmode=verify-full")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// An application that already has a pool of connections can use it for its
// credentials.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://service@db.internal/service")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() // Store.Close does not close it
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		log.Fatal(err)
	}
	if err := st.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
}

// Package cache does this. Use Watch in a cache of your own, to drop outdated
// entries.
func ExampleStore_Watch() {
	ctx := context.Background()
	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	alive := func() {} // changes older than half a second were reported
	changed := func(d store.Digest) { log.Print("something changed: ", d) }
	log.Print(st.Watch(ctx, alive, changed)) // then drop all entries and call Watch again
}
