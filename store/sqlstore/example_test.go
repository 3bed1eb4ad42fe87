package sqlstore_test

import (
	"fmt"
	"io/fs"

	"github.com/keystile/keystile/store/sqlstore"
)

// The error names all mistakes.
func ExampleNew() {
	_, err := sqlstore.New(sqlstore.Config{Dialect: "MySQL"})
	fmt.Println(err)
	// Output:
	// sqlstore: Config.DB: nil: must be set; sql.Open returns one
	// sqlstore: Config.Dialect: "MySQL": must be sqlstore.SQLite or sqlstore.PostgreSQL
}

// Pass the files to your own migration tool.
func ExampleMigrations() {
	files, err := sqlstore.Migrations(sqlstore.PostgreSQL)
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := fs.Glob(files, "*.sql")
	fmt.Println(names, err)
	// Output:
	// [00001_credentials.sql] <nil>
}
