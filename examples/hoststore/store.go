package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

// schema is the table as it was, and the indexes that the queries below want.
// Times are microseconds since 1970; NULL is never. What no query asks for is in
// one column.
const schema = `
CREATE TABLE IF NOT EXISTS access_keys (
	key     TEXT PRIMARY KEY NOT NULL,
	hash    BLOB UNIQUE NOT NULL,
	type    TEXT NOT NULL,
	owner   TEXT NOT NULL,
	chain   TEXT NOT NULL,
	origin  TEXT NOT NULL,
	made    INTEGER NOT NULL,
	ends    INTEGER,
	rotated INTEGER,
	blocked INTEGER,
	used    INTEGER,
	details TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS access_keys_owner  ON access_keys (owner, made, key);
CREATE INDEX IF NOT EXISTS access_keys_chain  ON access_keys (chain);
CREATE INDEX IF NOT EXISTS access_keys_origin ON access_keys (origin);`

const active = `blocked IS NULL AND (ends IS NULL OR ends > ?)`

// accessKeys is a store.Store on the table.
type accessKeys struct{ db *sql.DB }

var _ store.Store = accessKeys{}

// Find implements store.Finder.
func (a accessKeys) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	return one(ctx, a.db, `hash = ? AND type = ?`, d[:], k)
}

// Get implements store.Store.
func (a accessKeys) Get(ctx context.Context, id string) (*store.Credential, error) {
	return one(ctx, a.db, `key = ?`, id)
}

// Insert implements store.Store.
func (a accessKeys) Insert(ctx context.Context, c *store.Credential, limit int) error {
	return a.write(ctx, func(tx *sql.Tx) error {
		var held int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM access_keys WHERE owner = ? AND type = ? AND `+active,
			c.Subject, c.Kind, micro(c.CreatedAt)).Scan(&held)
		switch {
		case err != nil:
			return err
		case limit > 0 && held >= limit:
			return store.ErrLimit
		}
		return insert(ctx, tx, c)
	})
}

// List implements store.Store.
func (a accessKeys) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	where, args := condition(f, time.Now())
	if f.Before != "" {
		last, err := a.Get(ctx, f.Before)
		if err != nil {
			return nil, err
		}
		where, args = where+` AND (made, key) < (?, ?)`, append(args, micro(last.CreatedAt), last.ID)
	}
	return all(ctx, a.db, where+` ORDER BY made DESC, key DESC LIMIT ?`, append(args, cmp.Or(f.Limit, store.DefaultLimit))...)
}

// Revoke implements store.Store.
func (a accessKeys) Revoke(ctx context.Context, f store.Filter, at time.Time) (changed []store.Digest, err error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.Limit != 0 || f.Before != "" {
		return nil, errors.New("hoststore: revoke: Limit and Before must be zero")
	}
	if at.Truncate(time.Microsecond).IsZero() {
		return nil, errors.New("hoststore: revoke: at: zero: must be the time of the revocation")
	}
	where, args := condition(f, at)
	err = a.write(ctx, func(tx *sql.Tx) error {
		found, err := all(ctx, tx, where+` AND blocked IS NULL`, args...)
		for _, c := range found {
			changed = append(changed, c.Digest)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE access_keys SET blocked = ? WHERE blocked IS NULL AND `+where, append([]any{micro(at)}, args...)...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Rotate implements store.Store.
func (a accessKeys) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	if next.CreatedAt.Truncate(time.Microsecond).IsZero() {
		return errors.New("hoststore: rotate: next.CreatedAt: zero: must be the time of the rotation")
	}
	return a.write(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, `key = ?`, id)
		switch {
		case err != nil:
			return err
		case !old.Active(next.CreatedAt) || !old.RotatedAt.IsZero():
			return store.ErrConflict
		}
		// The sooner of the two; of NULL and a time, the time.
		_, err = tx.ExecContext(ctx, `UPDATE access_keys SET rotated = ?1, ends = coalesce(min(ends, ?2), ends, ?2) WHERE key = ?3`,
			micro(next.CreatedAt), micro(until), id)
		if err != nil {
			return err
		}
		return insert(ctx, tx, next)
	})
}

// Touch implements store.Store.
func (a accessKeys) Touch(ctx context.Context, id string, at time.Time) error {
	return a.write(ctx, func(tx *sql.Tx) error {
		if _, err := one(ctx, tx, `key = ?`, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE access_keys SET used = ?1 WHERE key = ?2 AND (used IS NULL OR used < ?1)`, micro(at), id)
		return err
	})
}

// Prune implements store.Store.
func (a accessKeys) Prune(ctx context.Context, before time.Time) (int, error) {
	res, err := a.db.ExecContext(ctx, `DELETE FROM access_keys WHERE ends < ?1 OR blocked < ?1`, micro(before))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// write does all of f or nothing, while nobody else writes.
func (a accessKeys) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// condition returns what selects as f does at now, but for Limit and Before.
func condition(f store.Filter, now time.Time) (where string, args []any) {
	where = `key <> ?`
	args = append(args, f.Except) // no key is ""
	for _, c := range []struct{ column, value string }{
		{`type`, string(f.Kind)}, {`key`, f.ID}, {`owner`, f.Subject}, {`chain`, f.Family}, {`origin`, f.Parent},
	} {
		if c.value != "" {
			where, args = where+` AND `+c.column+` = ?`, append(args, c.value)
		}
	}
	if f.Active {
		where, args = where+` AND `+active, append(args, micro(now))
	}
	return where, args
}
