package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrationsTable is where the migrations that were applied are noted: a table
// of our own, for the host may use the same library for its own.
const migrationsTable = "keystile_migrations"

// Migrations returns the files with the SQL that makes the tables of a dialect,
// to be applied in the order of their names: for hosts that have a migration tool
// of their own. They do nothing but add, and a file that was released does not
// change.
func Migrations(d Dialect) (fs.FS, error) {
	switch d {
	case SQLite:
		return fs.Sub(migrations, "migrations/sqlite")
	case PostgreSQL:
		return fs.Sub(migrations, "migrations/postgres")
	}
	return nil, fmt.Errorf("sqlstore: Migrations: %q: must be sqlstore.SQLite or sqlstore.PostgreSQL", d)
}

// Migrate makes the tables, or brings them up to date, and keeps what is in
// them. Doing it again does nothing; several processes may do it at once. It has
// no timeout but that of ctx.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.made(); err != nil {
		return err
	}
	if s.tx != nil {
		return errors.New("sqlstore: migrate: not within a transaction: call it on the Store that Tx was called on")
	}
	err := s.migrate(ctx)
	for tries := 1; err != nil && s.sql.dialect == SQLite && tries < 5 && ctx.Err() == nil; tries++ {
		err = s.migrate(ctx) // another process may just be doing the same
	}
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := Migrations(s.sql.dialect)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithTableName(migrationsTable), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if s.sql.dialect == PostgreSQL {
		dialect = goose.DialectPostgres
		options = append(options, goose.WithSessionLocker(oneByOne{}))
	}
	provider, err := goose.NewProvider(dialect, s.db, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// oneByOne lets one process after the other migrate a PostgreSQL database. The
// locker that goose has asks again every few seconds; this one waits, as long as
// its context lets it.
type oneByOne struct{}

var _ lock.SessionLocker = oneByOne{}

func (oneByOne) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, lockClass)
	return err
}

func (oneByOne) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, lockClass)
	return err
}
