// Package sqlstore keeps credentials in an SQL database: SQLite, embedded in the
// process, or PostgreSQL, shared by many processes.
//
// To start from scratch, open a file with package
// [github.com/keystile/keystile/store/sqlstore/sqlite], or a database on a server
// with package [github.com/keystile/keystile/store/sqlstore/postgres]. Each is a
// module of its own, so this module needs no driver.
//
// With [Store.Tx] you can create an account and its first token in one transaction
// of your application. Begin it with the method DB of the Stores of those packages:
//
//	tx, err := st.DB().BeginTx(ctx, nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer tx.Rollback()
//	if _, err := tx.ExecContext(ctx, "INSERT INTO accounts (name) VALUES ('ada')"); err != nil {
//		log.Fatal(err)
//	}
//	tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)}) // cheap; only for this transaction
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
// [Store.Migrate] creates both tables. Another database role may do that instead,
// with Migrate or with a migration tool and the files. In PostgreSQL, the role of the
// service then needs only these privileges, and USAGE on the schema:
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON keystile_credentials TO service;
//	GRANT SELECT ON keystile_migrations TO service;
//
// # Outages
//
// Every call, and each step of a call that works in steps, ends within
// [Config.Timeout]. Errors that are not variables of package store are outages,
// which the schemes answer with 503. If the connection is lost during a commit, the
// outcome is unknown: the call returns an error, but the change may have happened. A
// statement is repeated only if it was certainly not executed.
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

	// Dialect is SQLite or PostgreSQL, to match DB.
	Dialect Dialect

	// Reads, if set, is another pool of connections to the same database, for
	// calls that only read. It must show commits through DB at once, so it must
	// not be a read replica: on a PostgreSQL standby every call fails, and a
	// logical replica may show a revoked credential as valid.
	Reads *sql.DB

	// Timeout bounds each call, in addition to its context, and each step of a
	// call that works in steps. The default is two seconds.
	Timeout time.Duration
}

const defaultTimeout = 2 * time.Second

// A Store is a [store.Store] in an SQL database. It also implements [store.Scanner]
// and [store.Checker]. It is safe for concurrent use, by any number of processes.
// Create it with [New], or with the packages sqlite and postgres.
type Store struct {
	dialect   Dialect
	sql       *dialect
	db, reads *sql.DB // nil if the Store is one of Tx
	tx        *sql.Tx // nil unless the Store is one of Tx
	pipeline  query.Pipeline
	timeout   time.Duration
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Scanner = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
)

// New returns a Store on a database whose tables exist, see [Store.Migrate]. It does
// not connect. The error names all mistakes in cfg.
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

// Pipelined is [New] for package postgres. The Store sends all statements of a call
// at once, with p.
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

// Tx returns a Store whose calls are part of tx, a transaction of your application on
// the same database: its writes take effect when tx is committed. If a call returns
// an error that is not one of package store, roll tx back. The Store can be used
// until tx ends.
//
// With PostgreSQL, tx must have the default isolation level, READ COMMITTED. With
// another level, calls that count or end credentials return an error. With SQLite, tx
// must have begun with BEGIN IMMEDIATE.
func (s *Store) Tx(tx *sql.Tx) *Store {
	t := *s
	t.db, t.reads, t.tx = nil, nil, tx
	return &t
}

// reader and writer return a Runner for a single statement, without a transaction.
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

// transact calls f with a Runner whose statements are one transaction. It commits the
// transaction if f returns nil. With a pipeline, each call of the Runner is a
// transaction of its own, so f must call it once.
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
	defer tx.Rollback() // does nothing after Commit
	if err := f(ctx, query.On(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// failed returns err in the form that the methods return. It wraps outages with the
// name of the call, and with the error of ctx if that has ended, because drivers
// report that in various ways.
func failed(ctx context.Context, what string, err error) error {
	switch {
	case err == nil, err == store.ErrNotFound, err == store.ErrExists, err == store.ErrLimit, err == store.ErrConflict:
		return err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("sqlstore: %s: %w: %w", what, ctx.Err(), err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}
