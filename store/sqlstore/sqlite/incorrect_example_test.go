package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// This is WRONG: each connection would have its own database in memory. Open accepts
// only files; for credentials in memory use store.Memory.
func Example_incorrect() {
	_, err := sqlite.Open(context.Background(), ":memory:")
	fmt.Println(err)
	// Output: sqlite: open ":memory:": a file is required; store.Memory keeps credentials in memory
}

// This is WRONG: Tokens on the Store of a transaction are used after the transaction
// has ended, so every call fails. Use Tokens on the Store itself for your service.
func ExampleStore_DB_incorrect() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	st, err := sqlite.Open(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	tx, err := st.DB().BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)})
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"}); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}

	_, err = tokens.List(ctx, "ada") // WRONG: tx has ended
	fmt.Println(err)
	// Output:
	// bearer: list: sqlstore: list: sql: transaction has already been committed or rolled back
}
