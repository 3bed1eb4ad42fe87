package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// A Dialect is the SQL that a database understands.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "SQLite"     // 3.38 and later
	PostgreSQL Dialect = "PostgreSQL" // 12 and later
)

// batch is how many rows one step of Revoke, Prune, Erase and Scan covers.
const batch = 1000

// A dialect is the SQL of a database. Each text is one statement. Its numbered
// parameters are the same in every dialect.
type dialect struct {
	isolation      sql.IsolationLevel
	lockMigrations string // lets only one process migrate at a time; "": BEGIN does
	hasMigrations  string // whether the table keystile_migrations exists

	find       string // digest, kind
	get        string // ID
	list       string // subject, kind, client ID, CreatedAt and ID of the last row before the page, limit
	listActive string // as list, and the time
	scan       string // the last ID before the page, limit

	lock     string // subject; "": BEGIN does
	lockID   string // ID
	touch    string // uses as JSON
	update   string // ID, name, scopes, networks, data; NULL: unchanged
	revoke   string // subject, time, time after which live rows expire, kind, family, client ID, IDs to leave out as JSON
	revokeID string // as revoke, and the ID
	erase    string // subject
	ended    string // deletes unrotated rows that ended before $1 and not before $2; returns when each ended, and whether it was deleted
	rotated  string // as ended, for rotated rows

	time   func(time.Time) any // NULL for never
	inJSON func(time.Time) any // for the uses of touch

	// insert and rotate run within a transaction.
	insert func(ctx context.Context, run query.Runner, in insertion) ([]store.Digest, error)
	rotate func(ctx context.Context, run query.Runner, id string, until any, in insertion) error
}

func dialectOf(d Dialect) *dialect {
	if d == SQLite {
		return sqliteDialect()
	}
	return postgresDialect()
}

var errOtherSubject = errors.New("next.Subject: must be the subject of the credential that is replaced")

// An insertion is a credential to be inserted within limits.
type insertion struct {
	values  []any // in the order of row.Columns
	subject string
	kind    string
	client  string
	created any
	limits  store.Limits
	since   any
}

func (d *dialect) insertion(c *store.Credential, l store.Limits) (insertion, error) {
	scopes, err := row.Scopes(c.Scopes)
	switch {
	case err != nil:
		return insertion{}, err
	case !keeps(c.ID):
		return insertion{}, fmt.Errorf("ID: %q: must be valid UTF-8 without zero bytes", c.ID)
	case truncated(c.CreatedAt).IsZero():
		return insertion{}, fmt.Errorf("CreatedAt of %q: zero: must be the time of the call", c.ID)
	}
	created := d.time(c.CreatedAt)
	return insertion{
		values: []any{
			c.ID, string(c.Kind), c.Digest[:], c.Subject, c.Name, c.Hint, scopes, c.Family, c.ClientID, c.Actor, row.Networks(c.Networks),
			created, d.time(c.ExpiresAt), d.time(c.RotatedAt), d.time(c.RevokedAt), d.time(c.LastUsedAt), row.Addr(c.LastUsedAddr), notNull(c.Data),
		},
		subject: c.Subject,
		kind:    string(c.Kind),
		client:  c.ClientID,
		created: created,
		limits:  l,
		since:   d.time(l.Since),
	}, nil
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func truncated(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// keeps reports whether every database can store these texts. IDs come from URLs. An
// ID that cannot be stored is reported as not found; a query for it would fail in
// PostgreSQL.
func keeps(text ...string) bool {
	for _, t := range text {
		if !utf8.ValidString(t) || strings.Contains(t, "\x00") {
			return false
		}
	}
	return true
}
