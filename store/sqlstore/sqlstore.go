// Package sqlstore keeps credentials in an SQL database: SQLite, embedded in the
// process, or PostgreSQL, shared by many.
//
// To start from scratch, open a file with package
// [github.com/keystile/keystile/store/sqlstore/sqlite], or a server's database
// with package [github.com/keystile/keystile/store/sqlstore/postgres]. Each is a
// module of its own; this one needs no driver.
//
// With a transaction of your application, [Store.Tx] makes an account and its
// first token exist together or not at all. The Stores of those packages have a
// method DB to begin one:
//
//	tx, err := st.DB().BeginTx(ctx, nil)
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
// With a [database/sql.DB] of your own, use [New], or postgres.New.
//
// # Tables and privileges
//
// The table keystile_credentials has a row for each credential, never with a
// plaintext. Your application may read it, but must not write it. Rows stay until
// your application calls [Store.Prune]. The table keystile_migrations records which
// files of [Migrations] were applied.
//
// [Store.Migrate] creates both. If another database role does that, with Migrate or
// with a migration tool and the files, the role of the service needs only these
// privileges in PostgreSQL, besides USAGE on the schema:
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON keystile_credentials TO service;
//	GRANT SELECT ON keystile_migrations TO service;
//
// # Outages
//
// Every call, and each step of a call that works in steps, ends within
// [Config.Timeout]. Errors that are not variables of package store are outages,
// which the schemes answer with 503. If the connection is lost while a transaction
// is being committed, its outcome is unknown: the call returns an error, but a
// credential may exist, or have been revoked. Only statements that were certainly
// not executed are tried again.
package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
)

// Config configures a [Store]. DB and Dialect are required.
type Config struct {
	_ [0]func()

	// DB is the database. Store does not close it.
	DB *sql.DB

	// Dialect is what DB understands: SQLite or PostgreSQL.
	Dialect Dialect

	// Reads, if set, is another pool of connections to the same database, for
	// calls that only read. It must see at once what was committed through DB.
	// A read replica does not, so revoked credentials would be accepted.
	Reads *sql.DB

	// Timeout bounds each call, in addition to its context, and each step of a
	// call that works in steps. The default is two seconds.
	Timeout time.Duration
}

const defaultTimeout = 2 * time.Second

// A Store is a [store.Store] in an SQL database, also a [store.Scanner]. It is
// safe for concurrent use, by any number of processes. Create it with [New], or
// with the packages sqlite and postgres.
type Store struct {
	dialect   Dialect
	sql       *dialect
	db, reads *sql.DB // nil in a transaction of the application
	tx        *sql.Tx // of the application; else nil
	pipeline  query.Pipeline
	timeout   time.Duration
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Scanner = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
)

// New returns a Store on a database that has its tables, see [Store.Migrate]. It
// does not connect. The error names all mistakes in cfg.
func New(cfg Config) (*Store, error) {
	var errs []error
	if cfg.DB == nil {
		errs = append(errs, errors.New("sqlstore: Config.DB: nil: must be set; sql.Open returns one"))
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
	return &Store{
		dialect: cfg.Dialect,
		sql:     dialectOf(cfg.Dialect),
		db:      cfg.DB,
		reads:   cmp.Or(cfg.Reads, cfg.DB),
		timeout: cmp.Or(cfg.Timeout, defaultTimeout),
	}, nil
}

// Pipelined is [New] for package postgres, which sends the statements of a call
// at once.
func Pipelined(cfg Config, p query.Pipeline) (*Store, error) {
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s.pipeline = p
	return s, nil
}

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints a data source, which may hold a password.
func (s Store) Format(f fmt.State, _ rune) { io.WriteString(f, "sqlstore.Store") }

// Tx returns a Store that does everything in a transaction of your application,
// on the same database: its writes happen when tx is committed. If a call returns
// an error that is not one of package store, roll tx back. The Store is valid as
// long as tx is.
//
// With PostgreSQL the transaction must have its default isolation, READ
// COMMITTED: calls that count or that end credentials return an error with
// another. With SQLite it must have begun with BEGIN IMMEDIATE.
func (s *Store) Tx(tx *sql.Tx) *Store {
	t := *s
	t.db, t.reads, t.tx = nil, nil, tx
	return &t
}

// reader and writer execute one statement, which needs no transaction around it.
func (s *Store) reader() query.Runner { return s.on(s.reads) }
func (s *Store) writer() query.Runner { return s.on(s.db) }

func (s *Store) on(db *sql.DB) query.Runner {
	switch {
	case s.tx != nil:
		return query.On(s.tx)
	case s.pipeline == nil:
		return query.On(db)
	}
	return func(ctx context.Context, statements ...query.Statement) error {
		err := s.pipeline(ctx, db, statements...)
		if err == query.ErrUnsupported {
			err = query.On(db)(ctx, statements...)
		}
		return err
	}
}

// transact calls f with a Runner whose statements are one transaction. It is
// committed if f returns nil. With a pipeline, f runs once all that it runs.
func (s *Store) transact(ctx context.Context, what string, f func(ctx context.Context, run query.Runner) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return failed(ctx, what, s.commit(ctx, f))
}

// do executes one statement within the store's timeout.
func (s *Store) do(ctx context.Context, what string, run query.Runner, statement query.Statement) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return failed(ctx, what, run(ctx, statement))
}

func (s *Store) commit(ctx context.Context, f func(ctx context.Context, run query.Runner) error) error {
	if s.tx != nil {
		return f(ctx, query.On(s.tx))
	}
	if s.pipeline != nil {
		err := f(ctx, func(ctx context.Context, statements ...query.Statement) error {
			return s.pipeline(ctx, s.db, statements...)
		})
		if err != query.ErrUnsupported {
			return err
		}
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.sql.isolation})
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing once it is committed
	if err := f(ctx, query.On(tx)); err != nil {
		return err
	}
	return tx.Commit()
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
