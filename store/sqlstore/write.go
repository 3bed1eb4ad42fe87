package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// Insert implements [store.Store].
func (s *Store) Insert(ctx context.Context, c *store.Credential, limit int) error {
	if err := s.made(); err != nil {
		return err
	}
	return s.write(ctx, "insert", func(ctx context.Context, tx *sql.Tx) error {
		if limit > 0 {
			if err := s.lock(ctx, tx, c.Subject); err != nil {
				return err
			}
			var held int
			err := tx.QueryRowContext(ctx, s.sql.count, c.Subject, string(c.Kind), s.sql.time(c.CreatedAt)).Scan(&held)
			switch {
			case err != nil:
				return err
			case held >= limit:
				return store.ErrLimit
			}
		}
		return s.insert(ctx, tx, c)
	})
}

func (s *Store) insert(ctx context.Context, tx *sql.Tx, c *store.Credential) error {
	values, err := s.sql.values(c)
	if err != nil {
		return err
	}
	inserted, err := digests(ctx, tx, s.sql.insert, values...)
	if err == nil && len(inserted) == 0 {
		err = store.ErrExists
	}
	return err
}

// Rotate implements [store.Store].
func (s *Store) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	if err := s.made(); err != nil {
		return err
	}
	if !s.sql.keeps(id) {
		return store.ErrNotFound
	}
	if next.CreatedAt.Truncate(time.Microsecond).IsZero() {
		return errors.New("sqlstore: rotate: next.CreatedAt: zero: must be the time of the rotation")
	}
	return s.write(ctx, "rotate", func(ctx context.Context, tx *sql.Tx) error {
		var subject string
		err := tx.QueryRowContext(ctx, s.sql.subjectOf, id).Scan(&subject)
		if err == nil {
			err = s.lock(ctx, tx, subject)
		}
		var current bool
		var expires row.Time
		if err == nil {
			err = tx.QueryRowContext(ctx, s.sql.current, s.sql.time(next.CreatedAt), id).Scan(&current, &expires)
		}
		switch {
		case errors.Is(err, sql.ErrNoRows) && ctx.Err() == nil:
			return store.ErrNotFound
		case err != nil:
			return err
		case !current:
			return store.ErrConflict
		}
		if err := s.insert(ctx, tx, next); err != nil {
			return err
		}
		// A zero until means never, which is no sooner than any expiry.
		end := time.Time(expires)
		if end.IsZero() || !until.IsZero() && until.Before(end) {
			end = until
		}
		_, err = digests(ctx, tx, s.sql.rotate, s.sql.time(next.CreatedAt), s.sql.time(end), id)
		return err
	})
}

// Revoke implements [store.Store].
func (s *Store) Revoke(ctx context.Context, f store.Filter, at time.Time) (revoked []store.Digest, err error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.Limit != 0 || f.Before != "" {
		return nil, errors.New("store: Revoke: Filter.Limit and Filter.Before must be zero")
	}
	if at.Truncate(time.Microsecond).IsZero() {
		return nil, errors.New("sqlstore: revoke: at: zero: must be the time of the revocation")
	}
	err = s.write(ctx, "revoke", func(ctx context.Context, tx *sql.Tx) error {
		w := s.sql.where(f, at)
		if err := s.lockSelected(ctx, tx, f, w); err != nil {
			return err
		}
		revoked, err = digests(ctx, tx, s.sql.revoke(w), append([]any{s.sql.time(at)}, w.args...)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, id string, at time.Time) error {
	if err := s.made(); err != nil {
		return err
	}
	if !s.sql.keeps(id) {
		return store.ErrNotFound
	}
	return s.write(ctx, "touch", func(ctx context.Context, tx *sql.Tx) error {
		t := s.sql.time(at)
		result, err := tx.ExecContext(ctx, s.sql.touch, t, id, t)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var one int
		err = tx.QueryRowContext(ctx, s.sql.exists, id).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) && ctx.Err() == nil {
			err = store.ErrNotFound
		}
		return err
	})
}

// Prune implements [store.Store]. It deletes a thousand credentials at a time,
// each in a transaction of its own, so that others can write in between; after
// an error those before are gone, and counted.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := s.made(); err != nil {
		return 0, err
	}
	total, t := 0, s.sql.time(before)
	for {
		var n int64
		err := s.write(ctx, "prune", func(ctx context.Context, tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, s.sql.prune, t, t)
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(n)
		if n < pruneBatch {
			return total, nil
		}
	}
}

// lock makes tx the only writer of a subject's credentials until it ends. With
// SQLite it is the only writer anyway.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, subject string) error {
	if s.sql.lock == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.sql.lock, subject)
	return err
}

// lockSelected locks the subjects of what f selects, in the order of their names
// so that nobody waits for somebody who waits for them.
func (s *Store) lockSelected(ctx context.Context, tx *sql.Tx, f store.Filter, w *where) error {
	switch {
	case s.sql.lock == "", !s.sql.keeps(f.Subject):
		return nil
	case f.Subject != "":
		return s.lock(ctx, tx, f.Subject)
	}
	query := `SELECT DISTINCT subject FROM keystile_credentials` + w.String() + ` ORDER BY subject`
	subjects, err := column[string](ctx, tx, s.sql.rewrite(query), w.args...)
	for _, subject := range subjects {
		if err == nil {
			err = s.lock(ctx, tx, subject)
		}
	}
	return err
}

// digests returns the digests that a query does.
func digests(ctx context.Context, q querier, query string, args ...any) ([]store.Digest, error) {
	found, err := column[row.Digest](ctx, q, query, args...)
	var ds []store.Digest
	for _, d := range found {
		ds = append(ds, store.Digest(d))
	}
	return ds, err
}

// column returns the only column of a query, with every row read: a statement
// that returns what it changes has not changed all of it before.
func column[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}
