// Package postgres opens a [sqlstore.Store] in a PostgreSQL database, through
// github.com/jackc/pgx/v5, and notifies caches of changes.
//
//	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services on any number of machines. A [Store] is a [store.Watcher], so
// package [github.com/keystile/keystile/store/cache] in front of it keeps a service
// fast without accepting revoked credentials.
//
// # Current or unavailable
//
// A standby may be behind, so it may show a revoked credential as valid. Each query
// asks the server whether it is one and then fails, so every answer comes from a
// primary. With several hosts in the DSN, Open connects to the one that accepts
// writes, also when it connects again. The hosts share the two seconds that
// connecting may take.
//
// A primary that was replaced without being stopped does not know it, and goes on
// answering. Use a cluster manager that stops the old primary first, which is called
// fencing. Synchronous replication is no substitute: it keeps the old primary from
// writing, not from reading. But without a synchronous standby, a failover can lose
// the latest changes, and a revoked credential works again.
//
// # Poolers
//
// PgBouncer that pools sessions needs nothing special. If it pools transactions,
// everything works but Watch: it returns an error, because notifications do not
// arrive, and a cache keeps answers for its MaxStale. To use Watch, connect to the
// server itself.
//
// Such a pooler may not keep prepared statements. [Open] recognizes PgBouncer and
// then uses the mode cache_describe. With [New], set default_query_exec_mode of your
// connections to cache_describe, exec or simple_protocol.
//
// # What the server must not lose
//
// A server whose settings fsync, full_page_writes or synchronous_commit are off
// forgets in a crash what it has acknowledged: a revoked credential works again. They
// are on by default, and [Store.Check] reports them.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// A Store is a [sqlstore.Store] that is also a [store.Watcher], a [store.Notifier]
// and a [store.Checker].
type Store struct {
	*sqlstore.Store
	db, reads *sql.DB
	timeout   time.Duration // of Find
	strays    atomic.Int64  // notifications that Watch has ignored
	close     func() error
}

var (
	_ store.Watcher  = (*Store)(nil)
	_ store.Notifier = (*Store)(nil)
	_ store.Checker  = (*Store)(nil)
)

// Open connects to the database that dsn names, a URL or a list of "key=value"
// as libpq takes them (https://www.postgresql.org/docs/current/libpq-connect.html),
// and creates or updates its tables. It keeps at most 16 connections, of which
// each Watch takes one.
//
// It returns an error if no host in dsn accepts writes. The error never shows a
// password.
func Open(ctx context.Context, dsn string) (*Store, error) {
	cfg, err := configure(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %v", err) // not wrapped: its text hides the password, its fields do not
	}
	st, err := open(ctx, cfg)
	if err != nil && strings.Contains(err.Error(), "unsupported startup parameter") { // by PgBouncer, which lets clients set few
		throughPooler(cfg)
		st, err = open(ctx, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	return st, nil
}

func open(ctx context.Context, cfg *pgx.ConnConfig) (*Store, error) {
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
		return nil, errors.Join(err, db.Close())
	}
	return st, nil
}

// configure returns how to connect, with the settings that the store relies on.
func configure(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	// Per host, so that one that is silent leaves time to connect to the others.
	hosts := map[string]bool{fmt.Sprint(cfg.Host, cfg.Port): true}
	for _, f := range cfg.Fallbacks {
		hosts[fmt.Sprint(f.Host, f.Port)] = true
	}
	perHost := connectTimeout / time.Duration(len(hosts))
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > perHost {
		cfg.ConnectTimeout = perHost
	}
	for name, value := range map[string]string{
		"client_encoding":               "UTF8",
		"datestyle":                     "ISO",
		"standard_conforming_strings":   "on",
		"bytea_output":                  "hex",
		"default_transaction_isolation": "read committed",
	} {
		cfg.RuntimeParams[name] = value
	}
	cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	return cfg, nil
}

// throughPooler changes how to connect, for PgBouncer.
func throughPooler(cfg *pgx.ConnConfig) {
	delete(cfg.RuntimeParams, "bytea_output")
	delete(cfg.RuntimeParams, "default_transaction_isolation")
	if cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
}

// New returns a Store on your application's connections, cfg.DB, which must be
// those of github.com/jackc/pgx/v5/stdlib, to a database that has its tables: see
// [sqlstore.Store.Migrate]. Each Watch takes one of the connections. New sets
// cfg.Dialect itself. Like sqlstore.New it does not connect, and its error names all
// mistakes in cfg.
//
// The connections must have default_transaction_isolation = read committed and
// client_encoding = UTF8, as those of Open have, and in the modes exec and
// simple_protocol also bytea_output = hex and DateStyle = ISO.
func New(cfg sqlstore.Config) (*Store, error) {
	cfg.Dialect = sqlstore.PostgreSQL
	cfg.Timeout = cmp.Or(cfg.Timeout, timeout)
	st, err := sqlstore.Pipelined(cfg, pipeline)
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

// DB returns the connections, to begin a transaction for [sqlstore.Store.Tx].
func (s *Store) DB() *sql.DB { return s.db }

// Close closes the connections that [Open] has created; those given to New stay
// open. Calls in progress, and later ones, fail. Closing again does nothing.
func (s *Store) Close() error { return s.close() }

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints a password.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "postgres.Store") }
