// Package postgres opens a [sqlstore.Store] in a PostgreSQL database, through
// github.com/jackc/pgx/v5, and notifies caches of changes.
//
//	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services on any number of machines. A [Store] is a [store.Watcher]. With
// package [github.com/keystile/keystile/store/cache] in front of it, most requests
// need no query, and revocations still take effect within milliseconds.
//
// # Current or unavailable
//
// A standby may lag behind, so it may show a revoked credential as valid. On a standby
// each query fails, so every answer comes from a primary. With several hosts in the
// DSN, Open connects to the host that accepts writes, and so does each later
// connection. The hosts share the timeout of two seconds for connecting.
//
// A primary that was replaced without being stopped does not know that, and continues
// to answer. Use a cluster manager that stops the old primary first, which is called
// fencing. Synchronous replication is no substitute: it keeps the old primary from
// writing, but not from reading. But without a synchronous standby, a failover can
// lose the latest changes, and a revoked credential works again.
//
// # Poolers
//
// With PgBouncer in session mode, everything works. In transaction mode, everything
// works except Watch: it returns an error, because notifications do not arrive, and a
// cache keeps answers for its MaxStale. To use Watch, connect to the server itself.
//
// In transaction mode a pooler may not keep prepared statements. [Open] recognizes
// PgBouncer and then uses the mode cache_describe. With [New], set
// default_query_exec_mode of your connections to cache_describe, exec or
// simple_protocol.
//
// # What the server must not lose
//
// If fsync, full_page_writes or synchronous_commit is off, a crash can lose
// acknowledged writes, and a revoked credential works again. These settings are on by
// default, and [Store.Check] reports them if they are off.
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
	timeout        = 2 * time.Second // the default of sqlstore.Config
	maxConns       = 16              // a server allows 100 by default
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

// Open connects to the database that dsn names, and creates or updates its tables.
// The dsn is a URL or a list of "key=value", as for libpq:
// https://www.postgresql.org/docs/current/libpq-connect.html. The Store uses at most
// 16 connections, of which each Watch takes one.
//
// It returns an error if no host in dsn accepts writes. The error never shows a
// password.
func Open(ctx context.Context, dsn string) (*Store, error) {
	cfg, err := configure(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %v", err) // not wrapped, because its fields contain the password; its text does not
	}
	st, err := open(ctx, cfg)
	if err != nil && strings.Contains(err.Error(), "unsupported startup parameter") { // from PgBouncer, which accepts only a few parameters
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

// configure parses dsn and adds the settings that the store relies on.
func configure(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	// Divide the time, so that a silent host leaves some for the others.
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

// throughPooler adapts cfg to PgBouncer.
func throughPooler(cfg *pgx.ConnConfig) {
	delete(cfg.RuntimeParams, "bytea_output")
	delete(cfg.RuntimeParams, "default_transaction_isolation")
	if cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
}

// New returns a Store on connections of your application, cfg.DB. They must use
// github.com/jackc/pgx/v5/stdlib, and the tables must exist: see
// [sqlstore.Store.Migrate]. Each Watch takes one of the connections. New sets
// cfg.Dialect itself. Like sqlstore.New it does not connect, and its error names all
// mistakes in cfg.
//
// The connections must have default_transaction_isolation = read committed and
// client_encoding = UTF8, which Open sets. In the modes exec and simple_protocol they
// must also have bytea_output = hex and DateStyle = ISO.
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

// DB returns the pool of connections, to begin a transaction for [sqlstore.Store.Tx].
func (s *Store) DB() *sql.DB { return s.db }

// Close closes the connections of a Store that [Open] returned. Calls in progress, and
// later ones, fail. Closing again does nothing. Close does not close connections that
// were passed to New.
func (s *Store) Close() error { return s.close() }

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints a password.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "postgres.Store") }
