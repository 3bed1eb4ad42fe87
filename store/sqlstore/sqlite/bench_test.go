package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

func BenchmarkFind(b *testing.B) {
	path := filepath.Join(b.TempDir(), "credentials.db")
	st := open(b, path)
	filledAt(b, path)
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?_pragma=query_only(1)&_pragma=journal_mode(WAL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	find, driver := suite.Lookups(b, st, db, `SELECT * FROM keystile_credentials WHERE digest = ? AND kind = ?`)
	suite.CompareFind(b, find, driver)
}
