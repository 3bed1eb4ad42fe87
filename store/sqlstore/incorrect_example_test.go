package sqlstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store/sqlstore"
)

// This is WRONG: Tokens on the Store of a transaction are kept and used when that
// has ended. They fail, and with them every request; those that live on have the
// Store itself.
func Example_incorrect() {
	ctx := context.Background()
	db, end := exampleDB()
	defer end()
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

	_, err = tokens.List(ctx, "ada") // WRONG: tx is over
	fmt.Println(err)
	// Output:
	// bearer: list: sqlstore: list: sql: transaction has already been committed or rolled back
}
