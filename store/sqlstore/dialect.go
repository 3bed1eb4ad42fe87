package sqlstore

import (
	"database/sql"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// A Dialect is the SQL that a database understands.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "SQLite"     // 3.35 and later
	PostgreSQL Dialect = "PostgreSQL" // 12 and later
)

// Channel is where a PostgreSQL database notifies of every digest that is
// inserted, revoked or rotated, in hexadecimal, as part of the transaction that
// does it. Package sqlstore/postgres listens to it.
const Channel = "keystile_changed"

// statements are the SQL of a dialect.
type statements struct {
	dialect                                   Dialect
	isolation                                 sql.IsolationLevel
	find, get, insert, count, current, rotate string
	subjectOf, touch, exists, prune, lock     string
}

const (
	active = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`

	// pruneBatch bounds how long Prune keeps others from writing.
	pruneBatch = 1000

	// lockClass keeps our advisory locks apart from those of the host.
	lockClass = 1801812332
)

func newStatements(d Dialect) *statements {
	s := &statements{
		dialect:   d,
		find:      `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE digest = ? AND kind = ?`,
		get:       `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE id = ?`,
		insert:    `INSERT INTO keystile_credentials (` + row.Columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING digest`,
		count:     `SELECT count(*) FROM keystile_credentials WHERE subject = ? AND kind = ? AND ` + active,
		subjectOf: `SELECT subject FROM keystile_credentials WHERE id = ?`,
		current:   `SELECT rotated_at IS NULL AND ` + active + `, expires_at FROM keystile_credentials WHERE id = ?`,
		rotate:    `UPDATE keystile_credentials SET rotated_at = ?, expires_at = ? WHERE id = ? RETURNING digest`,
		touch:     `UPDATE keystile_credentials SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)`,
		exists:    `SELECT 1 FROM keystile_credentials WHERE id = ?`,
		prune:     `SELECT id FROM keystile_credentials WHERE expires_at < ? OR revoked_at < ? ORDER BY id LIMIT ` + strconv.Itoa(pruneBatch),
	}
	if d == PostgreSQL {
		s.current += ` FOR UPDATE`
		s.prune += ` FOR UPDATE`
		// Writers of one subject go one after the other: a limit is counted
		// while nobody adds, and whoever revokes all sees what a rotation
		// has just added.
		s.lock = `SELECT pg_advisory_xact_lock(` + strconv.Itoa(lockClass) + `, hashtext(?))`
		// Each statement must see what was committed before it began.
		s.isolation = sql.LevelReadCommitted
	}
	// Who locks several rows does so in the order of their IDs, so that nobody
	// waits for somebody who waits for them.
	s.prune = `DELETE FROM keystile_credentials WHERE id IN (` + s.prune + `)`
	for _, q := range []*string{&s.find, &s.get, &s.insert, &s.count, &s.subjectOf, &s.current, &s.rotate, &s.touch, &s.exists, &s.prune, &s.lock} {
		*q = s.rewrite(*q)
	}
	s.insert, s.rotate = s.notify(s.insert), s.notify(s.rotate)
	return s
}

// rewrite returns query with the dialect's placeholders. No literal in a query
// has a question mark.
func (s *statements) rewrite(query string) string {
	if s.dialect == SQLite {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// revoke returns the query that revokes what w selects.
func (s *statements) revoke(w *where) string {
	selected := `SELECT id FROM keystile_credentials` + w.String() + ` AND revoked_at IS NULL ORDER BY id`
	if s.dialect == PostgreSQL {
		selected += ` FOR UPDATE`
	}
	return s.notify(s.rewrite(`UPDATE keystile_credentials SET revoked_at = ? WHERE id IN (` + selected + `) RETURNING digest`))
}

// notify returns a query that returns digests such that others are told of them.
func (s *statements) notify(query string) string {
	if s.dialect == SQLite {
		return query
	}
	return `WITH changed AS (` + query + `) SELECT digest FROM changed, pg_notify('` + Channel + `', encode(digest, 'hex'))`
}

// keeps reports whether the database can hold text. An ID comes from a URL, and
// one that cannot be there is not there; asked for it, PostgreSQL would fail.
func (s *statements) keeps(text string) bool {
	return s.dialect == SQLite || utf8.ValidString(text) && !strings.Contains(text, "\x00")
}
