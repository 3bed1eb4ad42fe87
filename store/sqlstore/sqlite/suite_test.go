package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/storetest"
)

// engine is SQLite with a pool like that of an application.
var engine = suite.Engine{
	Dialect: sqlstore.SQLite,
	Create: func(t testing.TB) string {
		return "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "app.db")) + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
	},
	Open: func(t testing.TB, dsn string) *sql.DB {
		t.Helper()
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	},
	New: sqlstore.New,
}

// filledAt fills a file with the credentials of [suite.Database.Filled].
func filledAt(t testing.TB, path string) {
	t.Helper()
	e := engine
	e.Create = func(testing.TB) string {
		return "file:" + filepath.ToSlash(path) + "?_txlock=immediate&_pragma=busy_timeout(10000)"
	}
	e.Database(t).Filled(t)
}

func TestSuite(t *testing.T) { suite.Run(t, engine) }

// The whole contract. R1 R3 R4 R6 R8 R10 R11 R16 B9 B15
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "credentials.db")) }, storetest.Fill(suite.Fill))
}
