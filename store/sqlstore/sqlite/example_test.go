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

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	st, err := sqlite.Open(ctx, filepath.Join(dir, "credentials.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	_, c, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Subject, c.Name)
	// Output: ada ci
}

// Tokens are kept when the file is closed and opened again.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "credentials.db")

	for range 2 {
		st, err := sqlite.Open(ctx, file)
		if err != nil {
			log.Fatal(err)
		}
		tokens, err := bearer.New(bearer.Config{Store: st})
		if err != nil {
			log.Fatal(err)
		}
		if _, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"}); err != nil {
			log.Fatal(err)
		}
		list, err := tokens.List(ctx, "ada")
		fmt.Println(len(list), err)
		if err := st.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
}

// Create an account and its first token in one transaction.
func ExampleStore_DB() {
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
	if _, err := st.DB().ExecContext(ctx, "CREATE TABLE accounts (name TEXT PRIMARY KEY)"); err != nil {
		log.Fatal(err)
	}

	tx, err := st.DB().BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO accounts VALUES ('ada')"); err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)}) // for this transaction
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
	// Output: true
}
