package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// A finder has separate connections for Find, so that a lookup never waits for a
// list.
type finder struct {
	db    *sql.DB
	stmt  *sql.Stmt
	slots chan struct{} // one for each connection
}

func newFinder(ctx context.Context, db *sql.DB, conns int) (*finder, error) {
	stmt, err := db.PrepareContext(ctx, `SELECT `+row.Columns+` FROM keystile_credentials WHERE digest = ?1 AND kind = ?2`)
	if err != nil {
		return nil, err
	}
	return &finder{db, stmt, make(chan struct{}, conns)}, nil
}

// Find implements [store.Finder]. It reads one row by a unique index, with a prepared
// statement. It waits for a connection until ctx is done. After that it cannot be
// canceled: a lookup waits only for the disk, and with cancellation the driver takes
// half as much time again.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: find: %w", err)
	}
	select {
	case s.finder.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("sqlite: find: %w", ctx.Err())
	}
	defer func() { <-s.finder.slots }()
	c, err := row.Scan(s.finder.stmt.QueryRowContext(context.WithoutCancel(ctx), d[:], string(k)))
	switch {
	case err == sql.ErrNoRows:
		return nil, store.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("sqlite: find: %w", err)
	}
	return c, nil
}
