package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

const find = `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE digest = $1 AND kind = $2`

// errUnsent means that nothing has reached the server.
var errUnsent = errors.New("not sent")

// Find implements [store.Finder]: one prepared statement, one row by its unique
// index. It takes a connection from the pool and asks pgx itself, which costs a
// quarter less of the processor's time than a query through database/sql, with a
// goroutine for each.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if s == nil || s.reads == nil {
		return (*sqlstore.Store)(nil).Find(ctx, k, d) // says that it is unmade
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.ask(ctx, k, d)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() == nil && errors.Is(err, pgx.ErrNoRows):
		return nil, store.ErrNotFound
	case ctx.Err() == nil && err == errUnsent:
		return s.Store.Find(ctx, k, d) // which tries again, on other connections
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()): // pgx reports it in various ways
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return nil, fmt.Errorf("postgres: find: %w", err)
}

// ask asks a connection of the pool.
func (s *Store) ask(ctx context.Context, k store.Kind, d store.Digest) (c *store.Credential, err error) {
	conn, err := s.reads.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Raw(func(dc any) error {
		pg, ok := dc.(*stdlib.Conn)
		if !ok {
			return errUnsent // it is wrapped
		}
		c, err = row.Scan(pg.Conn().QueryRow(ctx, find, d[:], string(k)))
		if pgconn.SafeToRetry(err) {
			return errUnsent
		}
		return err
	})
	return c, err
}
