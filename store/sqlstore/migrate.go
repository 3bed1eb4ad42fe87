package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the SQL files that create the tables of a dialect, for your own
// migration tool. Apply them in the order of their names. Each file also records in
// the table keystile_migrations that it was applied. Files only add tables, columns
// and indexes, and a released file never changes.
func Migrations(d Dialect) (fs.FS, error) {
	switch d {
	case SQLite:
		return fs.Sub(migrations, "migrations/sqlite")
	case PostgreSQL:
		return fs.Sub(migrations, "migrations/postgres")
	}
	return nil, fmt.Errorf("sqlstore: Migrations: %q: must be sqlstore.SQLite or sqlstore.PostgreSQL", d)
}

// Migrate creates the tables, or brings them up to date and keeps their rows. If
// nothing is missing, it only reads, and needs no privilege to create tables. Several
// processes may call it at once. Its only timeout is that of ctx.
func (s *Store) Migrate(ctx context.Context) error {
	if s.tx != nil {
		return errors.New("sqlstore: migrate: not within a transaction: call it on the Store that Tx was called on")
	}
	err := s.migrate(ctx)
	for tries := 0; isLocked(err) && tries < 100 && ctx.Err() == nil; tries++ {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
		err = s.migrate(ctx)
	}
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

// isLocked reports whether err is SQLITE_BUSY, by SQLite's own text for it. When
// several processes create a database file, SQLite does not wait for the lock that a
// new connection needs to set the journal mode, whatever its busy timeout is.
func isLocked(err error) bool {
	return err != nil && strings.Contains(err.Error(), "database is locked")
}

func (s *Store) migrate(ctx context.Context) error {
	missing, err := s.missing(ctx, s.db)
	if err != nil || len(missing) == 0 {
		return err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.sql.isolation})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if s.sql.lockMigrations != "" {
		if _, err := tx.ExecContext(ctx, s.sql.lockMigrations); err != nil {
			return err
		}
	}
	missing, err = s.missing(ctx, tx) // another process may have applied them
	if err != nil {
		return err
	}
	for _, file := range missing {
		if _, err := tx.ExecContext(ctx, file); err != nil {
			return fmt.Errorf("%w; if this database role may not create tables, apply Migrations as one that may", err)
		}
	}
	return tx.Commit()
}

// Check implements [store.Checker]. It returns an error if the database does not
// answer, or if migrations are missing.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	missing, err := s.missing(ctx, s.db)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("%d migrations were not applied; call Migrate", len(missing))
	}
	return failed(ctx, "check", err)
}

// missing returns the contents of the files that were not applied.
func (s *Store) missing(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (files []string, err error) {
	var exists bool
	applied := 0
	err = q.QueryRowContext(ctx, s.sql.hasMigrations).Scan(&exists)
	if err == nil && exists {
		err = q.QueryRowContext(ctx, `SELECT COALESCE(max(version), 0) FROM keystile_migrations`).Scan(&applied)
	}
	if err != nil {
		return nil, err
	}
	all, err := Migrations(s.dialect)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(all, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, err
		}
		if version > applied {
			b, err := fs.ReadFile(all, name)
			if err != nil {
				return nil, err
			}
			files = append(files, string(b))
		}
	}
	return files, nil
}
