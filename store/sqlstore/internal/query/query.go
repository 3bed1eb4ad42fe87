// Package query describes the statements of a call, independent of how they are sent:
// one after the other through database/sql, or in one round trip if the driver
// supports that.
package query

import (
	"context"
	"database/sql"
	"errors"
)

// A Statement is SQL with its arguments.
type Statement struct {
	SQL  string
	Args []any

	// Read, if set, reads the rows. A statement may be repeated, so each call of
	// Read must discard earlier results.
	Read func(Rows) error
}

// Rows are the result of a statement, as [sql.Rows] are.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

// A Runner executes statements one after the other. Each sees everything that was
// committed before it began. After an error, the caller must roll back the statements
// that were executed.
type Runner func(ctx context.Context, statements ...Statement) error

// A Pipeline executes statements as one transaction on a connection of db. After an
// error, none of them takes effect. It returns [ErrUnsupported] if the driver of db
// does not support that.
type Pipeline func(ctx context.Context, db *sql.DB, statements ...Statement) error

// ErrUnsupported means that nothing was sent, because of the driver.
var ErrUnsupported = errors.New("not supported by the driver")

// A Queryer is an [sql.DB] or an [sql.Tx].
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// On returns a Runner that sends each statement to q.
func On(q Queryer) Runner {
	return func(ctx context.Context, statements ...Statement) error {
		for _, s := range statements {
			rows, err := q.QueryContext(ctx, s.SQL, s.Args...)
			if err == nil {
				err = errors.Join(Read(s, rows), rows.Close())
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// Read reads all rows of s, because a statement with RETURNING has changed all rows
// only after the last one was read.
func Read(s Statement, rows Rows) error {
	if s.Read != nil {
		if err := s.Read(rows); err != nil {
			return err
		}
	}
	for rows.Next() {
	}
	return rows.Err()
}
