package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/keystile/keystile/store/sqlstore"
)

// exampleDB returns a database of the host's own, and what ends it.
func exampleDB() (db *sql.DB, end func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	db, err = sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "host.db"))+"?_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	return db, func() { db.Close(); os.RemoveAll(dir) }
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := sqlstore.New(sqlstore.Config{Dialect: "MySQL"})
	fmt.Println(err)
	// Output:
	// sqlstore: Config.DB: nil: sql.Open makes one
	// sqlstore: Config.Dialect: "MySQL": must be sqlstore.SQLite or sqlstore.PostgreSQL
}

// Doing it again does nothing, so a service does it when it starts.
func ExampleStore_Migrate() {
	db, end := exampleDB()
	defer end()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		fmt.Println(st.Migrate(context.Background()))
	}
	// Output:
	// <nil>
	// <nil>
}

// The files, for a migration tool of the host's own.
func ExampleMigrations() {
	files, err := sqlstore.Migrations(sqlstore.PostgreSQL)
	if err != nil {
		log.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	fmt.Println(len(names) > 0, err)
	_, err = sqlstore.Migrations("MySQL")
	fmt.Println(err)
	// Output:
	// true <nil>
	// sqlstore: Migrations: "MySQL": must be sqlstore.SQLite or sqlstore.PostgreSQL
}
