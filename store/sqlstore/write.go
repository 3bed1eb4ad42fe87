package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// Insert implements [store.Store].
func (s *Store) Insert(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
	in, err := s.sql.insertion(c, l)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: insert: %w", err)
	}
	err = s.transact(ctx, "insert", func(ctx context.Context, run query.Runner) error {
		ended, err = s.sql.insert(ctx, run, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Rotate implements [store.Store].
func (s *Store) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	in, err := s.sql.insertion(next, l)
	if err != nil {
		return fmt.Errorf("sqlstore: rotate: %w", err)
	}
	if !keeps(id) {
		return store.ErrNotFound
	}
	return s.transact(ctx, "rotate", func(ctx context.Context, run query.Runner) error {
		return s.sql.rotate(ctx, run, id, s.sql.time(until), in)
	})
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	if !keeps(id) {
		return nil, store.ErrNotFound
	}
	args := []any{id, nil, nil, nil, nil}
	if ch.Name != nil {
		args[1] = *ch.Name
	}
	if ch.Scopes != nil {
		scopes, err := row.Scopes(*ch.Scopes)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: update: %w", err)
		}
		args[2] = scopes
	}
	if ch.Networks != nil {
		args[3] = row.Networks(*ch.Networks)
	}
	if ch.Data != nil {
		args[4] = notNull(*ch.Data)
	}
	return s.one(ctx, "update", s.writer(), s.sql.update, args...)
}

// Revoke implements [store.Store].
func (s *Store) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if truncated(at).IsZero() {
		return nil, errors.New("sqlstore: revoke: at: zero: must be the time of the revocation")
	}
	if !keeps(f.ID, f.Subject, string(f.Kind), f.Family, f.ClientID) {
		return nil, nil
	}
	except := []string{} // not null
	for _, id := range f.Except {
		if keeps(id) {
			except = append(except, id)
		}
	}
	out, err := json.Marshal(except)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: revoke: %w", err)
	}
	lock := query.Statement{SQL: s.sql.lock, Args: []any{f.Subject}}
	revoke := query.Statement{
		SQL:  s.sql.revoke,
		Args: []any{f.Subject, s.sql.time(at), s.sql.time(truncated(at).Add(-store.Skew)), string(f.Kind), f.Family, f.ClientID, string(out)},
	}
	if f.ID != "" {
		lock = query.Statement{SQL: s.sql.lockID, Args: []any{f.ID}}
		revoke.SQL, revoke.Args = s.sql.revokeID, append(revoke.Args, f.ID)
	}
	return s.inSteps(ctx, "revoke", lock, revoke)
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, uses []store.Use) error {
	type use struct {
		ID   string `json:"id"`
		At   any    `json:"at"`
		Addr string `json:"addr"`
	}
	latest := make(map[string]store.Use, len(uses))
	for _, u := range uses {
		u.At = truncated(u.At)
		if keeps(u.ID) && latest[u.ID].At.Before(u.At) {
			latest[u.ID] = u
		}
	}
	list := make([]use, 0, len(latest))
	for _, u := range latest {
		list = append(list, use{u.ID, s.sql.inJSON(u.At), row.Addr(u.Addr)})
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("sqlstore: touch: %w", err)
	}
	return s.do(ctx, "touch", s.writer(), query.Statement{SQL: s.sql.touch, Args: []any{string(b)}})
}
