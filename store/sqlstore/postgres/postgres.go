// Package postgres opens a [sqlstore.Store] in a PostgreSQL database, through
// github.com/jackc/pgx/v5, and tells caches of changes.
//
//	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services of any number of machines. A [Store] is a [store.Watcher],
// so that package [github.com/keystile/keystile/store/cache] in front of it
// keeps a service fast without letting a revoked credential live on.
//
// It must be connected to the primary: a replica shows a revocation only when it
// has heard of it. Behind PgBouncer, pool sessions, not transactions: Watch
// needs a connection of its own, and statements are prepared.
//
// A server whose settings fsync or synchronous_commit are off forgets in a crash
// what it has acknowledged: what was revoked shortly before works again. Leave
// both on, as they are by default.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const (
	connectTimeout = 2 * time.Second
	timeout        = 2 * time.Second // as sqlstore.Config has it
	maxConns       = 16              // of the hundred that a server allows by default
	maxIdleTime    = 5 * time.Minute
)

// A Store is a [sqlstore.Store] that is a [store.Watcher], too.
type Store struct {
	*sqlstore.Store
	db, reads *sql.DB
	timeout   time.Duration // of Find
	close     func() error
}

var _ store.Watcher = (*Store)(nil)

// Open connects to the database that dsn names, a URL or a list of "key=value"
// as libpq takes them (https://www.postgresql.org/docs/current/libpq-connect.html),
// and makes or updates its tables. It keeps at most 16 connections, of which
// each Watch takes one. The error never shows a password.
func Open(ctx context.Context, dsn string) (*Store, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %v", err) // not wrapped: its text hides the password, its fields do not
	}
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > connectTimeout {
		cfg.ConnectTimeout = connectTimeout
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(maxIdleTime)
	st, err := New(sqlstore.Config{DB: db})
	if err == nil {
		st.close = db.Close
		err = st.Migrate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", errors.Join(err, db.Close()))
	}
	return st, nil
}

// New returns a Store on the host's own connections, cfg.DB, which must be those
// of github.com/jackc/pgx/v5/stdlib, to a database that has its tables: see
// [sqlstore.Store.Migrate]. Each Watch takes one of the connections. New sets
// cfg.Dialect itself. Like sqlstore.New it does not connect, and its error names
// everything that is wrong with cfg at once.
func New(cfg sqlstore.Config) (*Store, error) {
	cfg.Dialect = sqlstore.PostgreSQL
	cfg.Timeout = cmp.Or(cfg.Timeout, timeout)
	st, err := sqlstore.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Store{
		Store:   st,
		db:      cfg.DB,
		reads:   cmp.Or(cfg.Reads, cfg.DB),
		timeout: cfg.Timeout,
		close:   func() error { return nil },
	}, nil
}

// Close closes the connections that [Open] made; those of the host stay open.
// Calls that are on their way, and those to come, fail. Closing again does
// nothing, nor does closing what neither Open nor New has made.
func (s *Store) Close() error {
	if s == nil || s.close == nil {
		return nil
	}
	return s.close()
}

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints a password.
func (s Store) Format(f fmt.State, _ rune) { io.WriteString(f, "postgres.Store") }
