package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

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
func (a accessKeys) Insert(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
	if l.EndOldest && isZero(c.CreatedAt) {
		return nil, errors.New("hoststore: insert: CreatedAt: zero; must be the time at which older keys end")
	}
	err = a.write(ctx, func(tx *sql.Tx) error {
		if err := checkRecent(ctx, tx, c, l); err != nil {
			return err
		}
		if l.Active > 0 {
			current, err := live(ctx, tx, c.Subject, c.CreatedAt)
			if err != nil {
				return err
			}
			current = slices.DeleteFunc(current, func(row *store.Credential) bool {
				return row.Kind != c.Kind || row.ClientID != c.ClientID || !row.RotatedAt.IsZero()
			})
			excess := current[min(len(current), l.Active-1):] // the oldest
			if len(excess) > 0 && !l.EndOldest {
				return store.ErrLimit
			}
			if ended, err = block(ctx, tx, excess, c.CreatedAt); err != nil {
				return err
			}
		}
		return insert(ctx, tx, c)
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// List implements store.Store.
func (a accessKeys) List(ctx context.Context, q store.Query) (page []*store.Credential, next store.Cursor, err error) {
	if err := q.Validate(); err != nil {
		return nil, "", err
	}
	limit := cmp.Or(q.Limit, store.DefaultLimit)
	made, key := int64(math.MaxInt64), "" // rows of the page sort before these
	if q.After != "" {
		last, id, _ := q.After.Position()
		made, key = last.UnixMicro(), id
	}
	if q.Active {
		now := time.Now()
		page, err = live(ctx, a.db, q.Subject, now)
		page = slices.DeleteFunc(page, func(c *store.Credential) bool {
			return !q.Match(c, now) || cmp.Or(cmp.Compare(c.CreatedAt.UnixMicro(), made), cmp.Compare(c.ID, key)) >= 0
		})
	} else {
		page, err = all(ctx, a.db, `account = ? AND type = ? AND client = ? AND (made, key) < (?, ?) ORDER BY made DESC, key DESC LIMIT ?`,
			accountID(q.Subject), q.Kind, q.ClientID, made, key, limit+1)
	}
	if err != nil || len(page) <= limit {
		return page, "", err
	}
	return page[:limit], store.NewCursor(page[limit-1]), nil
}

// Update implements store.Store.
func (a accessKeys) Update(ctx context.Context, id string, ch store.Changes) (c *store.Credential, err error) {
	err = a.write(ctx, func(tx *sql.Tx) error {
		if c, err = one(ctx, tx, `key = ?`, id); err != nil {
			return err
		}
		if ch.Name != nil {
			c.Name = *ch.Name
		}
		if ch.Scopes != nil {
			c.Scopes = *ch.Scopes
		}
		if ch.Networks != nil {
			c.Networks = *ch.Networks
		}
		if ch.Data != nil {
			c.Data = *ch.Data
		}
		c = c.Clone() // shares no slices with the caller
		d, err := detailsOf(c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE access_keys SET details = ? WHERE key = ?`, d, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Rotate implements store.Store.
func (a accessKeys) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	if isZero(next.CreatedAt) {
		return errors.New("hoststore: rotate: next.CreatedAt: zero; must be the time of the rotation")
	}
	return a.write(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, `key = ?`, id)
		switch {
		case err != nil:
			return err
		case next.Subject != old.Subject:
			return errors.New("hoststore: rotate: next.Subject: must be the subject of the credential that is replaced")
		case !old.Current(next.CreatedAt):
			return store.ErrConflict
		}
		if err := checkRecent(ctx, tx, next, l); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE access_keys SET rotated = ?, ends = min(ends, ?) WHERE key = ?`, micro(next.CreatedAt), ends(until), id)
		if err != nil {
			return err
		}
		return insert(ctx, tx, next)
	})
}

// Revoke implements store.Store. It works in one step.
func (a accessKeys) Revoke(ctx context.Context, f store.Filter, at time.Time) (changed []store.Digest, err error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if isZero(at) {
		return nil, errors.New("hoststore: revoke: at: zero; must be the time of the revocation")
	}
	at = at.Truncate(time.Microsecond)
	err = a.write(ctx, func(tx *sql.Tx) error {
		var rows []*store.Credential
		if f.ID != "" {
			rows, err = all(ctx, tx, `key = ?`, f.ID)
		} else {
			rows, err = live(ctx, tx, f.Subject, at.Add(-store.Skew))
		}
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(c *store.Credential) bool { return !f.Match(c) || !c.Live(at) })
		changed, err = block(ctx, tx, rows, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Touch implements store.Store.
func (a accessKeys) Touch(ctx context.Context, uses []store.Use) error {
	return a.write(ctx, func(tx *sql.Tx) error {
		for _, u := range uses {
			from, _ := u.Addr.MarshalText()
			_, err := tx.ExecContext(ctx, `UPDATE access_keys SET used = ?1, used_from = ?2 WHERE key = ?3 AND (used IS NULL OR used < ?1) AND ?1 IS NOT NULL`,
				micro(u.At), string(from), u.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Prune implements store.Store.
func (a accessKeys) Prune(ctx context.Context, before store.PruneBefore) (deleted int, err error) {
	for _, step := range []struct {
		where  string
		before time.Time
	}{
		{`ends < ? AND rotated IS NULL`, before.Ended},
		{`blocked < ? AND rotated IS NULL`, before.Ended},
		{`ends < ? AND rotated IS NOT NULL`, before.Rotated},
		{`blocked < ? AND rotated IS NOT NULL`, before.Rotated},
	} {
		n, err := a.delete(ctx, step.where, micro(step.before))
		deleted += n
		if err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// Erase implements store.Store. It does not delete the account itself; the service
// does that afterwards.
func (a accessKeys) Erase(ctx context.Context, subject string) (int, error) {
	if subject == "" {
		return 0, ctx.Err()
	}
	if _, err := a.Revoke(ctx, store.Filter{Subject: subject}, time.Now()); err != nil {
		return 0, err
	}
	return a.delete(ctx, `account = ?`, accountID(subject))
}

// write calls f in a transaction, and commits it if f returns nil. No other call writes
// meanwhile.
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

// checkRecent returns store.ErrLimit if c would exceed l.Recent.
func checkRecent(ctx context.Context, tx *sql.Tx, c *store.Credential, l store.Limits) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM access_keys WHERE account = ? AND type = ? AND client = ? AND made >= ? LIMIT ?)`,
		accountID(c.Subject), c.Kind, c.ClientID, l.Since.UnixMicro(), max(l.Recent, 0)).Scan(&n)
	if err == nil && l.Recent > 0 && n >= l.Recent {
		return store.ErrLimit
	}
	return err
}

// block revokes rows and returns their digests.
func block(ctx context.Context, tx *sql.Tx, rows []*store.Credential, at time.Time) (blocked []store.Digest, err error) {
	for _, c := range rows {
		if _, err := tx.ExecContext(ctx, `UPDATE access_keys SET blocked = ? WHERE key = ?`, micro(at), c.ID); err != nil {
			return nil, err
		}
		blocked = append(blocked, c.Digest)
	}
	return blocked, nil
}

// delete deletes the rows for which where is true, in steps of 500, so that other calls
// can write in between.
func (a accessKeys) delete(ctx context.Context, where string, args ...any) (deleted int, err error) {
	for {
		res, err := a.db.ExecContext(ctx, `DELETE FROM access_keys WHERE key IN (SELECT key FROM access_keys WHERE `+where+` LIMIT 500)`, args...)
		if err != nil {
			return deleted, err
		}
		n, err := res.RowsAffected()
		deleted += int(n)
		if err != nil || n == 0 {
			return deleted, err
		}
	}
}

// isZero reports whether the table would keep t as a zero time.
func isZero(t time.Time) bool { return t.UTC().Truncate(time.Microsecond).IsZero() }
