package sqlite_test

import (
	"context"
	"fmt"

	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// This is WRONG: a database in memory would be another one for every connection.
// Open takes files alone; store.Memory is for what need not be kept.
func Example_incorrect() {
	_, err := sqlite.Open(context.Background(), ":memory:")
	fmt.Println(err)
	// Output: sqlite: open ":memory:": a file is required; store.Memory keeps credentials in memory
}
