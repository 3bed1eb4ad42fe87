package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/keystile/keystile/store"
)

// columns are the columns of the table, in the order of insert and all.
const columns = `key, hash, type, account, chain, client, made, ends, rotated, blocked, used, used_from, details`

// details is the content of the column details.
type details struct {
	Name     string
	Hint     string
	Scopes   []string
	Actor    string
	Networks []netip.Prefix
	Data     []byte
}

func detailsOf(c *store.Credential) (string, error) {
	b, err := json.Marshal(details{c.Name, c.Hint, c.Scopes, c.Actor, c.Networks, c.Data})
	return string(b), err
}

// insert adds a row.
func insert(ctx context.Context, tx *sql.Tx, c *store.Credential) error {
	d, err := detailsOf(c)
	if err != nil {
		return err
	}
	from, _ := c.LastUsedAddr.MarshalText()
	res, err := tx.ExecContext(ctx, `INSERT INTO access_keys (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.ID, c.Digest[:], c.Kind, accountID(c.Subject), c.Family, c.ClientID,
		micro(c.CreatedAt), ends(c.ExpiresAt), micro(c.RotatedAt), micro(c.RevokedAt), micro(c.LastUsedAt), string(from), d)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return store.ErrExists
}

// A querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
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

// live returns the rows of an account that are not blocked and end after the given
// time, newest first. It reads no ended rows.
func live(ctx context.Context, q querier, subject string, after time.Time) ([]*store.Credential, error) {
	return all(ctx, q, `account = ? AND blocked IS NULL AND ends > ? ORDER BY made DESC, key DESC`, accountID(subject), after.UnixMicro())
}

// all returns the rows for which where is true.
func all(ctx context.Context, q querier, where string, args ...any) (found []*store.Credential, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+columns+` FROM access_keys WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c store.Credential
		var hash, from, det []byte
		var account, made, end int64
		var rotated, blocked, used sql.Null[int64]
		err := rows.Scan(&c.ID, &hash, &c.Kind, &account, &c.Family, &c.ClientID, &made, &end, &rotated, &blocked, &used, &from, &det)
		if err != nil {
			return nil, err
		}
		var d details
		if err := json.Unmarshal(det, &d); err != nil {
			return nil, fmt.Errorf("hoststore: key %q: details: %w", c.ID, err)
		}
		if err := c.LastUsedAddr.UnmarshalText(from); err != nil {
			return nil, fmt.Errorf("hoststore: key %q: used_from: %w", c.ID, err)
		}
		if len(hash) != len(c.Digest) {
			return nil, fmt.Errorf("hoststore: key %q: hash: %d bytes; must be %d", c.ID, len(hash), len(c.Digest))
		}
		c.Digest, c.Subject = store.Digest(hash), strconv.FormatInt(account, 10)
		c.Name, c.Hint, c.Scopes, c.Actor, c.Networks, c.Data = d.Name, d.Hint, d.Scopes, d.Actor, d.Networks, d.Data
		c.CreatedAt, c.RotatedAt, c.RevokedAt, c.LastUsedAt = time.UnixMicro(made).UTC(), moment(rotated), moment(blocked), moment(used)
		if end != never {
			c.ExpiresAt = time.UnixMicro(end).UTC()
		}
		found = append(found, &c)
	}
	return found, rows.Err()
}

// accountID returns the ID of the account. If the subject is not an ID in its usual
// form ("042" is not), it returns NULL, which equals no ID and cannot be inserted.
func accountID(subject string) sql.Null[int64] {
	id, err := strconv.ParseInt(subject, 10, 64)
	return sql.Null[int64]{V: id, Valid: err == nil && strconv.FormatInt(id, 10) == subject}
}

// never is the value of the column ends for a key that does not expire.
const never = math.MaxInt64

func ends(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixMicro()
}

// micro returns t in the form of the table: rounded down to microseconds. The zero
// time is NULL, because 0 is a time in 1970.
func micro(t time.Time) sql.Null[int64] {
	return sql.Null[int64]{V: t.UnixMicro(), Valid: !t.IsZero()}
}

// moment is the inverse of micro.
func moment(n sql.Null[int64]) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.V).UTC()
}
