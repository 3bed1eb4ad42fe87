// Package sqlstore keeps credentials in an SQL database: SQLite, embedded in the
// process, or PostgreSQL, shared by many.
//
// Who starts from nothing opens a file with package
// [github.com/keystile/keystile/store/sqlstore/sqlite], or a server's database
// with package [github.com/keystile/keystile/store/sqlstore/postgres]. Who has a
// [database/sql.DB] already makes a [Store] of it, creates the tables with
// [Store.Migrate] or with the plain SQL of [Migrations], and can have both in one
// transaction, so that an account and its first token exist together or not at
// all:
//
//	db, err := sql.Open("pgx", "postgres://service@db.internal/service")
//	if err != nil {
//		log.Fatal(err)
//	}
//	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//	if err != nil {
//		log.Fatal(err)
//	}
//	tx, err := db.BeginTx(ctx, nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer tx.Rollback()
//	if _, err := tx.ExecContext(ctx, "INSERT INTO accounts (name) VALUES ('ada')"); err != nil {
//		log.Fatal(err)
//	}
//	tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)}) // cheap, and for this transaction
//	if err != nil {
//		log.Fatal(err)
//	}
//	if _, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"}); err != nil {
//		log.Fatal(err)
//	}
//	if err := tx.Commit(); err != nil {
//		log.Fatal(err)
//	}
//
// # What is kept
//
// One table, keystile_credentials, with a row for each credential and never a
// plaintext. It is for this package to write; reading it is welcome. Rows stay
// until [Store.Prune], which the host calls. [Store.Migrate] keeps another one,
// keystile_migrations, of what it has applied.
//
// # When the database fails
//
// Every call, and each step of [Store.Prune], ends within [Config.Timeout], with
// an error that is no answer of a store: the services in front respond with 503.
// (A Find in SQLite with [Config.Reads], as package sqlite has it, waits for nobody
// but the disk, and has no timeout.) One case is open by nature. If
// the connection is lost while a transaction is being committed, nobody can say
// whether it was. Such a call returns an error too, and a credential may exist,
// or have been revoked, all the same.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// Config configures a [Store]. DB and Dialect are required.
type Config struct {
	_ [0]func()

	// DB is the database. It stays the host's: Store does not close it.
	DB *sql.DB

	// Dialect is what DB understands: SQLite or PostgreSQL.
	Dialect Dialect

	// Reads, if set, is another pool of connections to the same database, for
	// Find, Get and List. It must see at once what was committed through DB:
	// a read replica does not, and would let revoked credentials live on.
	Reads *sql.DB

	// Timeout bounds each call, besides its context; of Prune, each of its
	// steps. The default is two seconds. A Find on SQLite with Reads waits for nobody and needs none.
	Timeout time.Duration
}

const defaultTimeout = 2 * time.Second

// A Store is a [store.Store] in an SQL database. It is safe for concurrent use,
// by any number of processes. Make one with [New], or with the packages sqlite
// and postgres. The methods of the zero Store return an error.
type Store struct {
	db, reads *sql.DB // nil in a transaction of the host
	tx        *sql.Tx // of the host; else nil
	sql       *statements
	timeout   time.Duration
	find      *atomic.Pointer[sql.Stmt] // of reads, once it was needed
}

var _ store.Store = (*Store)(nil)

// New returns a Store on a database that has its tables, see [Store.Migrate]. It
// does not connect. The error names everything that is wrong with cfg at once.
func New(cfg Config) (*Store, error) {
	var errs []error
	if cfg.DB == nil {
		errs = append(errs, errors.New("sqlstore: Config.DB: nil: sql.Open makes one"))
	}
	if cfg.Dialect != SQLite && cfg.Dialect != PostgreSQL {
		errs = append(errs, fmt.Errorf("sqlstore: Config.Dialect: %q: must be sqlstore.SQLite or sqlstore.PostgreSQL", cfg.Dialect))
	}
	if cfg.Timeout < 0 {
		errs = append(errs, fmt.Errorf("sqlstore: Config.Timeout: %v: must not be negative", cfg.Timeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Store{db: cfg.DB, reads: cfg.Reads, sql: newStatements(cfg.Dialect), timeout: cfg.Timeout, find: new(atomic.Pointer[sql.Stmt])}
	if s.reads == nil {
		s.reads = s.db
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	return s, nil
}

var errUnmade = errors.New("sqlstore: the Store was not made by New, or its Tx was given nil")

// made returns an error if neither New nor Tx has made s.
func (s *Store) made() error {
	if s == nil || s.db == nil && s.tx == nil {
		return errUnmade
	}
	return nil
}

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints a data source, which may hold a password.
func (s Store) Format(f fmt.State, _ rune) { io.WriteString(f, "sqlstore.Store") }

// Tx returns a Store that does everything in a transaction of the host, on the
// same database: what it writes happens when tx is committed, and is to be
// thrown away if a call returned an error that is none of those of package
// store. It is valid as long as tx.
//
// PostgreSQL keeps the limits of [store.Store.Insert] exact if the transaction
// has its default isolation, READ COMMITTED. With SQLite the transaction must
// have begun with BEGIN IMMEDIATE.
func (s *Store) Tx(tx *sql.Tx) *Store {
	if s.made() != nil {
		return s // whose methods say so
	}
	t := *s
	t.db, t.reads, t.tx = nil, nil, tx
	return &t
}

// A querier is a database, or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// bound returns ctx with the store's timeout.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}

// reader is where Get and List ask.
func (s *Store) reader() querier {
	if s.tx != nil {
		return s.tx
	}
	return s.reads
}

// write calls f in a transaction, which is committed if f returns nil.
func (s *Store) write(ctx context.Context, what string, f func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if s.tx != nil {
		return failed(ctx, what, f(ctx, s.tx))
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.sql.isolation})
	if err != nil {
		return failed(ctx, what, err)
	}
	defer tx.Rollback() // nothing, once it is committed
	if err := f(ctx, tx); err != nil {
		return failed(ctx, what, err)
	}
	return failed(ctx, what, tx.Commit())
}

// failed returns err as the error of a call: the answers of a store as they are,
// an outage with where it happened. Drivers report a context that has ended in
// various ways.
func failed(ctx context.Context, what string, err error) error {
	switch {
	case err == nil, err == store.ErrNotFound, err == store.ErrExists, err == store.ErrLimit, err == store.ErrConflict:
		return err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("sqlstore: %s: %w: %w", what, ctx.Err(), err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}
