package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/keystile/keystile/store"
)

// columns are those of the table, in the order of insert and all.
const columns = `key, hash, type, owner, chain, origin, made, ends, rotated, blocked, used, details`

// details is what the column of that name holds.
type details struct {
	Name     string
	Scopes   []string
	Networks []netip.Prefix
	Data     []byte
}

// insert adds a row.
func insert(ctx context.Context, tx *sql.Tx, c *store.Credential) error {
	d, err := json.Marshal(details{c.Name, c.Scopes, c.Networks, c.Data})
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO access_keys (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.ID, c.Digest[:], c.Kind, c.Subject, c.Family, c.Parent,
		micro(c.CreatedAt), micro(c.ExpiresAt), micro(c.RotatedAt), micro(c.RevokedAt), micro(c.LastUsedAt), string(d))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return store.ErrExists
}

// one returns the row for which where is true.
func one(ctx context.Context, q querier, where string, args ...any) (*store.Credential, error) {
	found, err := all(ctx, q, where, args...)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, store.ErrNotFound
	}
	return found[0], nil
}

// A querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// all returns the rows for which where is true.
func all(ctx context.Context, q querier, where string, args ...any) (found []*store.Credential, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+columns+` FROM access_keys WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := new(store.Credential)
		var hash, det []byte
		var made, ends, rotated, blocked, used sql.Null[int64]
		err := rows.Scan(&c.ID, &hash, &c.Kind, &c.Subject, &c.Family, &c.Parent, &made, &ends, &rotated, &blocked, &used, &det)
		if err != nil {
			return nil, err
		}
		var d details
		if err := json.Unmarshal(det, &d); err != nil {
			return nil, fmt.Errorf("hoststore: key %q: details: %w", c.ID, err)
		}
		if len(hash) != len(c.Digest) {
			return nil, fmt.Errorf("hoststore: key %q: hash: %d bytes", c.ID, len(hash))
		}
		c.Digest = store.Digest(hash)
		c.Name, c.Scopes, c.Networks, c.Data = d.Name, d.Scopes, d.Networks, d.Data
		c.CreatedAt, c.ExpiresAt, c.RotatedAt, c.RevokedAt, c.LastUsedAt = moment(made), moment(ends), moment(rotated), moment(blocked), moment(used)
		found = append(found, c)
	}
	return found, rows.Err()
}

// micro returns t as the table has it: rounded down, and NULL for never, not 0,
// which is in 1970.
func micro(t time.Time) sql.Null[int64] {
	return sql.Null[int64]{V: t.UnixMicro(), Valid: !t.IsZero()}
}

// moment undoes micro.
func moment(n sql.Null[int64]) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.V).UTC()
}
