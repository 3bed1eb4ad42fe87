package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// Find implements [store.Finder]: one prepared statement, one row by its unique
// index.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	ctx, cancel, err := s.lookup(ctx)
	if err != nil {
		return nil, failed(ctx, "find", err)
	}
	defer cancel()
	stmt, err := s.prepared(ctx)
	if err != nil {
		return nil, failed(ctx, "find", err)
	}
	return one(ctx, "find", stmt.QueryRowContext(ctx, d[:], string(k)))
}

// lookup returns the context of a Find. With SQLite and a pool of its own that
// cannot be cancelled any more: a reader waits for nobody there, and to be ready
// to interrupt one costs the driver half as much again as the lookup.
func (s *Store) lookup(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.sql.dialect == SQLite && s.reads != s.db {
		return context.WithoutCancel(ctx), func() {}, ctx.Err()
	}
	ctx, cancel := s.bound(ctx)
	return ctx, cancel, nil
}

// prepared returns the statement of Find. It is made when it is first needed, so
// that a service starts while its database does not answer.
func (s *Store) prepared(ctx context.Context) (*sql.Stmt, error) {
	if s.tx != nil {
		return s.tx.PrepareContext(ctx, s.sql.find) // closed with tx
	}
	if stmt := s.find.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := s.reads.PrepareContext(ctx, s.sql.find)
	if err != nil {
		return nil, err
	}
	if !s.find.CompareAndSwap(nil, stmt) {
		stmt.Close() // somebody else was first
	}
	return s.find.Load(), nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id string) (*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if !s.sql.keeps(id) {
		return nil, store.ErrNotFound
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	return one(ctx, "get", s.reader().QueryRowContext(ctx, s.sql.get, id))
}

// one returns the credential that was found.
func one(ctx context.Context, what string, found *sql.Row) (*store.Credential, error) {
	c, err := row.Scan(found)
	if err == sql.ErrNoRows && ctx.Err() == nil { // not wrapped, as an error of connecting may be
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, failed(ctx, what, err)
	}
	return c, nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	w := s.sql.where(f, time.Now())
	if f.Before != "" {
		last, err := s.Get(ctx, f.Before)
		if err != nil {
			return nil, fmt.Errorf("store: Filter.Before %q: %w", f.Before, err)
		}
		w.and(`(created_at, id) < (?, ?)`, s.sql.time(last.CreatedAt), last.ID)
	}
	w.args = append(w.args, cmp.Or(f.Limit, store.DefaultLimit))
	query := `SELECT ` + row.Columns + ` FROM keystile_credentials` + w.String() + ` ORDER BY created_at DESC, id DESC LIMIT ?`
	rows, err := s.reader().QueryContext(ctx, s.sql.rewrite(query), w.args...)
	if err != nil {
		return nil, failed(ctx, "list", err)
	}
	defer rows.Close()
	var found []*store.Credential
	for rows.Next() {
		c, err := row.Scan(rows)
		if err != nil {
			return nil, failed(ctx, "list", err)
		}
		found = append(found, c)
	}
	if err := rows.Err(); err != nil {
		return nil, failed(ctx, "list", err)
	}
	return found, nil
}

// A where is the condition of a query.
type where struct {
	conditions string
	args       []any
}

// where returns the condition that selects what f does at now, but for Limit and
// Before.
func (s *statements) where(f store.Filter, now time.Time) *where {
	w := new(where)
	for _, field := range []struct{ column, value string }{
		{`kind`, string(f.Kind)}, {`id`, f.ID}, {`subject`, f.Subject}, {`family`, f.Family}, {`parent`, f.Parent},
	} {
		switch {
		case field.value == "":
		case s.keeps(field.value):
			w.and(field.column+` = ?`, field.value)
		default:
			w.and(`1 = 0`)
		}
	}
	if f.Except != "" && s.keeps(f.Except) {
		w.and(`id <> ?`, f.Except)
	}
	if f.Active {
		w.and(active, s.time(now))
	}
	return w
}

func (w *where) and(condition string, args ...any) {
	if w.conditions != "" {
		w.conditions += ` AND `
	}
	w.conditions += condition
	w.args = append(w.args, args...)
}

func (w *where) String() string { return ` WHERE ` + w.conditions }
