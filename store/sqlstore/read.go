package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
)

// Find implements [store.Finder]. It reads one row by a unique index.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if !keeps(string(k)) {
		return nil, store.ErrNotFound
	}
	return s.one(ctx, "find", s.reader(), s.sql.find, d[:], string(k))
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id string) (*store.Credential, error) {
	if !keeps(id) {
		return nil, store.ErrNotFound
	}
	return s.one(ctx, "get", s.reader(), s.sql.get, id)
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	if err := q.Validate(); err != nil {
		return nil, "", err
	}
	created, id, _ := q.After.Position() // Validate has checked it
	switch {
	case !keeps(id):
		return nil, "", errors.New("store: Query.After: not a cursor of this store; pass one that List returned")
	case !keeps(q.Subject, string(q.Kind), q.ClientID):
		return nil, "", nil
	}
	limit := min(cmp.Or(q.Limit, store.DefaultLimit), math.MaxInt32)
	text := s.sql.list
	args := []any{q.Subject, string(q.Kind), q.ClientID, s.sql.time(created), id, limit + 1}
	if q.Active {
		text, args = s.sql.listActive, append(args, s.sql.time(time.Now()))
	}
	found, err := s.several(ctx, "list", text, args...)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], store.NewCursor(found[limit-1]), nil
}

// Scan implements [store.Scanner]. It reads a thousand rows at a time, by their
// primary key.
func (s *Store) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	return func(yield func(*store.Credential, error) bool) {
		now, after := time.Now(), ""
		for {
			page, err := s.several(ctx, "scan", s.sql.scan, after, batch)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, c := range page {
				if f.Match(c, now) && !yield(c, nil) {
					return
				}
			}
			if len(page) < batch {
				return
			}
			after = page[batch-1].ID
		}
	}
}

// several returns the credentials that a query selects.
func (s *Store) several(ctx context.Context, what, text string, args ...any) (found []*store.Credential, err error) {
	err = s.do(ctx, what, s.reader(), query.Statement{SQL: text, Args: args, Read: credentials(&found)})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// one returns the credential that a statement returns, or ErrNotFound.
func (s *Store) one(ctx context.Context, what string, run query.Runner, text string, args ...any) (*store.Credential, error) {
	var found []*store.Credential
	err := s.do(ctx, what, run, query.Statement{SQL: text, Args: args, Read: credentials(&found)})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, store.ErrNotFound
	}
	return found[0], nil
}
