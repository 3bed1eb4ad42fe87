// Package suite contains the tests for all databases and drivers. It imports no
// driver; the modules of the drivers call it.
package suite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// An Engine is a database with a driver.
type Engine struct {
	Dialect sqlstore.Dialect

	// Create returns the data source of an empty database.
	Create func(t testing.TB) string

	// Open returns a pool of connections, opened as an application would.
	Open func(t testing.TB, dsn string) *sql.DB

	// New is [sqlstore.New] or an equivalent.
	New func(cfg sqlstore.Config) (*sqlstore.Store, error)
}

// Run runs all tests, including the whole contract in transactions of the application.
func Run(t *testing.T, e Engine) {
	t.Run("Tx", func(t *testing.T) { testTx(t, e.Database(t)) })
	RunWithoutTx(t, e)
}

// RunWithoutTx runs all tests except the contract in transactions, which takes longest.
func RunWithoutTx(t *testing.T, e Engine) {
	for name, test := range map[string]func(*testing.T, *Database){
		"Golden":               testGolden,
		"GoldenIsWritten":      testGoldenIsWritten,
		"DamagedRows":          testDamagedRows,
		"SchemaRefuses":        testSchemaRefuses,
		"MigrateAgain":         testMigrateAgain,
		"MigrateAtOnce":        testMigrateAtOnce,
		"MigrateWithinTx":      testMigrateWithinTx,
		"MigrationsAsPlainSQL": testMigrationsAsPlainSQL,
		"TxTogether":           testTxTogether,
		"TxRefusals":           testTxRefusals,
		"TxLimit":              testTxLimit,
		"TxRevokeWaits":        testTxRevokeWaits,
		"Timeout":              testTimeout,
		"IDsThatCannotBe":      testIDsThatCannotBe,
	} {
		t.Run(name, func(t *testing.T) { test(t, e.Database(t)) })
	}
}

// A Database is an empty database of an engine.
type Database struct {
	Engine
	DSN string
	DB  *sql.DB
}

// Database returns an empty database.
func (e Engine) Database(t testing.TB) *Database {
	t.Helper()
	dsn := e.Create(t)
	return &Database{e, dsn, e.Open(t, dsn)}
}

// Pool returns another pool of connections.
func (d *Database) Pool(t testing.TB) *sql.DB { return d.Open(t, d.DSN) }

// Store creates the tables and returns a Store on d.DB.
func (d *Database) Store(t testing.TB) *sqlstore.Store {
	t.Helper()
	st, err := d.New(sqlstore.Config{DB: d.DB, Dialect: d.Dialect, Timeout: 20 * time.Second})
	if err == nil {
		err = st.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Exec executes SQL on db.
func Exec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// Count returns the number that a query selects.
func Count(t testing.TB, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Texts returns the rows of a query that selects one text.
func Texts(t testing.TB, db *sql.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// Epoch is when the credentials of [Credential] were created.
var Epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// Credential returns a token of ada with this ID.
func Credential(id string) *store.Credential {
	return &store.Credential{
		ID: id, Kind: store.KindToken, Digest: sha256.Sum256([]byte(id)), Subject: "ada", Scopes: []string{"*"}, Family: id,
		CreatedAt: Epoch, ExpiresAt: Epoch.AddDate(1, 0, 0),
	}
}

// Insert inserts without limits.
func Insert(t testing.TB, st store.Store, cs ...*store.Credential) {
	t.Helper()
	for _, c := range cs {
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatalf("Insert(%q): %v", c.ID, err)
		}
	}
}

// List returns the first page of ada's tokens.
func List(t testing.TB, st store.Store) []*store.Credential {
	t.Helper()
	list, _, err := st.List(t.Context(), Tokens)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Tokens selects ada's tokens.
var Tokens = store.Query{Subject: "ada", Kind: store.KindToken}

// Answers are the errors of a store that are not outages.
var Answers = []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict}

// Calls returns calls of all methods of a Store, for the credential "there" of ada.
func Calls(st *sqlstore.Store) map[string]func(ctx context.Context) error {
	c := Credential("there")
	limits := store.Limits{Active: 9, Recent: 9}
	return map[string]func(ctx context.Context) error{
		"Find": func(ctx context.Context) error { _, err := st.Find(ctx, c.Kind, c.Digest); return err },
		"Get":  func(ctx context.Context) error { _, err := st.Get(ctx, c.ID); return err },
		"List": func(ctx context.Context) error { _, _, err := st.List(ctx, Tokens); return err },
		"Scan": func(ctx context.Context) error { return scan(ctx, st) },
		"Insert": func(ctx context.Context) error {
			_, err := st.Insert(ctx, Credential("new"), store.Limits{})
			return err
		},
		"Insert limit": func(ctx context.Context) error { _, err := st.Insert(ctx, Credential("new"), limits); return err },
		"Update": func(ctx context.Context) error {
			_, err := st.Update(ctx, c.ID, store.Changes{Name: new(string)})
			return err
		},
		"Rotate": func(ctx context.Context) error { return st.Rotate(ctx, c.ID, Epoch, Credential("new"), limits) },
		"Revoke": func(ctx context.Context) error {
			_, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, Epoch)
			return err
		},
		"Revoke ID": func(ctx context.Context) error { _, err := st.Revoke(ctx, store.Filter{ID: c.ID}, Epoch); return err },
		"Touch":     func(ctx context.Context) error { return st.Touch(ctx, []store.Use{{ID: c.ID, At: Epoch}}) },
		"Prune": func(ctx context.Context) error {
			_, err := st.Prune(ctx, store.PruneBefore{Ended: Epoch.AddDate(9, 0, 0)})
			return err
		},
		"Erase": func(ctx context.Context) error { _, err := st.Erase(ctx, "ada"); return err },
	}
}

// Reads are the calls that only read.
var Reads = map[string]bool{"Find": true, "Get": true, "List": true, "Scan": true}

func scan(ctx context.Context, st *sqlstore.Store) (err error) {
	for _, err = range st.Scan(ctx, store.ScanFilter{}) {
	}
	return err
}

// Until waits for a condition.
func Until(t testing.TB, condition string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timeout while waiting for " + condition)
		}
	}
}

// fresh returns an empty database of the same engine, with its tables.
func (d *Database) fresh(t testing.TB) *Database {
	other := d.Engine.Database(t)
	other.Store(t)
	return other
}

// pg reports whether d is a PostgreSQL database.
func (d *Database) pg() bool { return d.Dialect == sqlstore.PostgreSQL }
