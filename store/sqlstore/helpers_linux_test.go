package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// A server is a PostgreSQL server for all tests that do it no harm. It outlives
// the test that needs it first.
type server struct {
	testing.TB
	cleanups []func()
}

func (s *server) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

var (
	shared    server
	postgres  *services.Postgres
	databases atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range shared.cleanups {
		f()
	}
	os.Exit(code)
}

// A database is an empty database of one of the engines.
type database struct {
	dialect     sqlstore.Dialect
	driver, dsn string
	db          *sql.DB
}

// both runs a test with a database of each engine.
func both(t *testing.T, test func(t *testing.T, d *database)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newPostgres(t)) })
}

func newSQLite(t testing.TB) *database {
	dsn := "file:" + filepath.Join(t.TempDir(), "host.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
	d := &database{dialect: sqlstore.SQLite, driver: "sqlite", dsn: dsn}
	d.db = d.open(t)
	return d
}

func newPostgres(t testing.TB) *database {
	t.Helper()
	shared.TB = t // whose failure it is if the server fails
	if postgres == nil {
		postgres = services.StartPostgres(&shared)
	}
	dsn := postgres.CreateDatabase(fmt.Sprint("test", databases.Add(1)))
	d := &database{dialect: sqlstore.PostgreSQL, driver: "pgx", dsn: dsn}
	d.db = d.open(t)
	return d
}

// open opens a pool of its own, as another process would.
func (d *database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// store returns a Store with its tables. Fields of cfg that are not set are d's.
func (d *database) store(t testing.TB, cfg sqlstore.Config) *sqlstore.Store {
	t.Helper()
	if cfg.DB == nil {
		cfg.DB = d.db
	}
	cfg.Dialect = d.dialect
	st, err := sqlstore.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

// migrated returns d's Store with its tables.
func (d *database) migrated(t testing.TB) *sqlstore.Store { return d.store(t, sqlstore.Config{}) }

// exec executes SQL on db.
func exec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// count returns the number that a query selects.
func count(t testing.TB, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// texts returns the rows of a query that selects one text.
func texts(t testing.TB, db *sql.DB, query string) (found []string) {
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

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// credential returns a credential of ada's with this ID.
func credential(id string) *store.Credential {
	return &store.Credential{
		ID: id, Kind: store.KindToken, Digest: sha256.Sum256([]byte(id)), Subject: "ada", Scopes: []string{"*"}, Family: id,
		CreatedAt: epoch, ExpiresAt: epoch.AddDate(1, 0, 0),
	}
}

func insert(t testing.TB, st store.Store, cs ...*store.Credential) {
	t.Helper()
	for _, c := range cs {
		if err := st.Insert(t.Context(), c, 0); err != nil {
			t.Fatalf("Insert(%q): %v", c.ID, err)
		}
	}
}

// answers are what a store says that is no outage.
var answers = []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict}

// calls are every method of a Store, on the credential "there" of ada's.
func calls(st store.Store) map[string]func(ctx context.Context) error {
	c := credential("there")
	return map[string]func(ctx context.Context) error{
		"Find": func(ctx context.Context) error { _, err := st.Find(ctx, c.Kind, c.Digest); return err },
		"Get":  func(ctx context.Context) error { _, err := st.Get(ctx, c.ID); return err },
		"List": func(ctx context.Context) error { _, err := st.List(ctx, store.Filter{Subject: "ada"}); return err },
		"List Before": func(ctx context.Context) error {
			_, err := st.List(ctx, store.Filter{Subject: "ada", Before: c.ID})
			return err
		},
		"Insert":      func(ctx context.Context) error { return st.Insert(ctx, credential("new"), 0) },
		"InsertLimit": func(ctx context.Context) error { return st.Insert(ctx, credential("new"), 9) },
		"Rotate":      func(ctx context.Context) error { return st.Rotate(ctx, c.ID, epoch, credential("new")) },
		"Revoke": func(ctx context.Context) error {
			_, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, epoch)
			return err
		},
		"Revoke ID": func(ctx context.Context) error { _, err := st.Revoke(ctx, store.Filter{ID: c.ID}, epoch); return err },
		"Touch":     func(ctx context.Context) error { return st.Touch(ctx, c.ID, epoch) },
		"Prune":     func(ctx context.Context) error { _, err := st.Prune(ctx, epoch.AddDate(9, 0, 0)); return err },
	}
}

// reads tells which of the calls only read.
var reads = map[string]bool{"Find": true, "Get": true, "List": true, "List Before": true}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func prefixes(s ...string) (ps []netip.Prefix) {
	for _, p := range s {
		ps = append(ps, netip.MustParsePrefix(p))
	}
	return ps
}
