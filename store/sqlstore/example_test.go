package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store/sqlstore"
)

// A host that has a database already keeps its accounts and their tokens in it,
// and makes an account and its first token in one transaction.
func ExampleStore_Tx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "host.db"))+"?_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE accounts (name TEXT PRIMARY KEY)"); err != nil {
		log.Fatal(err)
	}
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	if err := st.Migrate(ctx); err != nil {
		log.Fatal(err)
	}

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO accounts VALUES ('ada')"); err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)})
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(plain.Reveal()) > 0)

	// Requests are authenticated by the Store itself.
	tokens, err = bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	list, err := tokens.List(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(list))

	// Output:
	// true
	// 1
}
