package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// A lasting is a testing.TB for a server that is shared by several tests.
type lasting struct {
	testing.TB
	*services.Postgres
	cleanups []func()
}

// server returns the shared server. The first call starts it.
func (l *lasting) server(t testing.TB, settings ...string) *services.Postgres {
	t.Helper()
	l.TB = t // the test that fails if the server fails
	if l.Postgres == nil {
		l.Postgres = services.StartPostgres(l, settings...)
	}
	return l.Postgres
}

// faulty returns a server for tests that stop or kill it and start it again. Its log
// contains every statement with its parameters.
func faulty(t testing.TB) *services.Postgres {
	t.Helper()
	return harmed.server(t, "log_statement=all", "log_min_duration_statement=0")
}

func (l *lasting) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

var (
	shared, harmed lasting
	databases      atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range append(shared.cleanups, harmed.cleanups...) {
		f()
	}
	os.Exit(code)
}

// empty returns the DSN of an empty database.
func empty(t testing.TB) string {
	t.Helper()
	return shared.server(t).CreateDatabase(fmt.Sprint("test", databases.Add(1)))
}

// open opens a store, which is closed at the end of the test.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), dsn)
	for range 5 {
		if errors.Is(err, context.DeadlineExceeded) { // the machine is busy
			st, err = postgres.Open(t.Context(), dsn)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// pool opens a pool of the application.
func pool(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(16)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// B8: if a database cannot be opened, Open returns in time an error that shows no
// password.
func TestOpenFails(t *testing.T) {
	silent := strings.Replace(empty(t), "postgres@", "postgres:hunter2hunter2@", 1)
	for name, dsn := range map[string]string{
		"not a DSN":   "postgres://ada:hunter2hunter2@db:port/x",
		"no server":   "postgres://ada:hunter2hunter2@127.0.0.1:1/x?sslmode=disable",
		"no database": silent + "x&application_name=x",
		"no such one": strings.Replace(silent, "/test", "/nothing", 1),
		"no host":     "postgres://ada:hunter2hunter2@192.0.2.1.invalid/x",
	} {
		start := time.Now()
		st, err := postgres.Open(t.Context(), dsn)
		if err == nil {
			st.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if !strings.HasPrefix(err.Error(), "postgres: open: ") || strings.Contains(err.Error(), "hunter2") || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v", name, err)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) { // a caller may print the causes with their fields
			if text := fmt.Sprintf("%#v", cause); strings.Contains(text, "hunter2") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Open(ctx, empty(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// B6: closing again does nothing, calls of a closed store are outages, and
// connections of the application stay open.
func TestClose(t *testing.T) {
	dsn := empty(t)
	st, db := open(t, dsn), pool(t, dsn)
	for range 2 {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := st.Get(t.Context(), "nobody"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("after Close: %v", err)
	}
	service.Until(t, "its connections to end", 5*time.Second, func() bool {
		return count(t, db, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()`) == 1
	})
	hosts, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if err := hosts.Close(); err != nil {
		t.Error(err)
	}
	if _, err := hosts.Get(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the host's connections after Close: %v", err)
	}
	if _, err := postgres.New(sqlstore.Config{}); err == nil {
		t.Error("New(nil) returned no error")
	}
}

// Many concurrent requests share a few connections.
func TestConnections(t *testing.T) {
	dsn := empty(t)
	st, db := open(t, dsn), pool(t, dsn)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{`BEGIN`, `LOCK TABLE keystile_credentials IN ACCESS EXCLUSIVE MODE`} { // so that all requests wait
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	failed := make(chan error, 50)
	for range cap(failed) {
		go func() {
			_, err := st.Get(context.WithoutCancel(t.Context()), "nobody")
			failed <- err
		}()
	}
	connections := func() int {
		return count(t, db, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()`) - 2 // without those of db
	}
	service.Until(t, "16 connections", 5*time.Second, func() bool { return connections() >= 16 })
	for range 20 {
		if n := connections(); n > 16 {
			t.Fatalf("%d connections, want at most 16", n)
		}
	}
	if _, err := conn.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	for range cap(failed) {
		if err := <-failed; !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	}
}

// Shorthands for functions of package suite.
var (
	epoch      = suite.Epoch
	credential = suite.Credential
	insert     = suite.Insert
)
