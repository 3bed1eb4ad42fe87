package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// Channel is the PostgreSQL channel for notifications of changes. Each transaction
// that inserts, updates, rotates, revokes or erases credentials sends their digests,
// in hexadecimal. Package sqlstore/postgres listens to it.
const Channel = "keystile_changed"

// lockClass separates our advisory locks from those of the application.
const lockClass = "1801812332"

const (
	pgNotify = `pg_notify('` + Channel + `', encode(digest, 'hex'))`

	pgEnd = `LEAST(expires_at, revoked_at)` // LEAST ignores NULL

	// All calls that add or end credentials of a subject take its lock. The next
	// statement must see everything that was committed before it began. That is
	// so only with READ COMMITTED, so with another isolation level this statement
	// fails.
	pgLock = `SELECT pg_advisory_xact_lock(` + lockClass + `, h), CASE WHEN current_setting('transaction_isolation') <> 'read committed'
		THEN ('the transaction isolation must be read committed, not ' || current_setting('transaction_isolation'))::integer END `
)

// pgLive returns the condition for rows of a subject that are not revoked and expire
// after a time. It matches the index keystile_credentials_live. The second condition
// on the time is for the planner, which has no statistics for the first.
func pgLive(subject, after string) string {
	return `subject = ` + subject + `::text AND revoked_at IS NULL AND COALESCE(expires_at, 'infinity'::timestamptz) > ` + after + `::timestamptz
		AND (expires_at IS NULL OR expires_at > ` + after + `)`
}

const pgLockSubject = pgLock + `FROM (SELECT hashtext($1::text) AS h) s`

// postgresDialect returns the statements of PostgreSQL. A call is one statement, or a
// lock and one statement that checks and writes, so that a driver can send them at
// once. Statements that lock several rows lock them in the order of their IDs, so that
// they cannot deadlock. All parameters have casts, because the server does not know
// their types if a statement is not prepared.
func postgresDialect() *dialect {
	filter := ` AND ($4::text = '' OR kind = $4) AND ($5::text = '' OR family = $5 OR id = $5) AND ($6::text = '' OR client_id = $6)
		AND id <> ALL (ARRAY(SELECT jsonb_array_elements_text($7::text::jsonb)))`
	// An array, because with a subquery the planner might join the whole table.
	these := func(rows string) string { return `id = ANY (ARRAY(SELECT id FROM ` + rows + `))` }
	prune := func(which string) string {
		return `WITH chosen AS MATERIALIZED (
			SELECT id, ` + pgEnd + ` AS ended_at FROM keystile_credentials
			WHERE rotated_at ` + which + ` AND ` + pgEnd + ` < $1::timestamptz AND ` + pgEnd + ` >= COALESCE($2::timestamptz, '-infinity')
			ORDER BY ` + pgEnd + ` LIMIT ` + strconv.Itoa(batch) + `
		), locked AS (
			SELECT id FROM keystile_credentials WHERE ` + these(`chosen`) + ` ORDER BY id FOR UPDATE
		), deleted AS (
			DELETE FROM keystile_credentials WHERE ` + these(`locked`) + ` RETURNING id
		) SELECT ended_at, deleted.id IS NOT NULL FROM chosen LEFT JOIN deleted USING (id)`
	}
	revoke := func(chosen, order string) string { // order must be that of the index
		return `WITH chosen AS (` + chosen + filter + ` ORDER BY ` + order + ` LIMIT ` + strconv.Itoa(batch) + `), locked AS (
			SELECT id FROM keystile_credentials WHERE ` + these(`chosen`) + ` ORDER BY id FOR NO KEY UPDATE
		), changed AS (
			UPDATE keystile_credentials SET revoked_at = $2::timestamptz WHERE ` + these(`locked`) + ` RETURNING digest
		) SELECT digest FROM changed, ` + pgNotify
	}
	return &dialect{
		isolation:      sql.LevelReadCommitted,
		lockMigrations: `SELECT pg_advisory_xact_lock(` + lockClass + `)`,
		hasMigrations:  `SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'keystile_migrations' AND pg_table_is_visible(oid))`, // to_regclass may not see what another process has just committed

		find: `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE digest = $1::bytea AND kind = $2::text` + query.PrimaryOnly,
		get:  `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE id = $1::text` + query.PrimaryOnly,
		list: `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE subject = $1::text AND kind = $2::text AND client_id = $3::text
			AND (created_at, id) < (COALESCE($4::timestamptz, 'infinity'), $5::text)` + query.PrimaryOnly + ` ORDER BY created_at DESC, id DESC LIMIT $6::bigint`,
		// Materialized, because otherwise the planner might read the whole history to avoid a sort.
		listActive: `WITH live AS MATERIALIZED (SELECT * FROM keystile_credentials WHERE ` + pgLive(`$1`, `$7`) + `)
			SELECT ` + row.Columns + ` FROM live WHERE kind = $2::text AND ($3::text = '*' OR client_id = $3)
			AND (created_at, id) < (COALESCE($4::timestamptz, 'infinity'), $5::text)` + query.PrimaryOnly + ` ORDER BY created_at DESC, id DESC LIMIT $6::bigint`,
		scan: `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE id > $1::text` + query.PrimaryOnly + ` ORDER BY id LIMIT $2::bigint`,

		lock:   pgLockSubject,
		lockID: pgLock + `FROM (SELECT hashtext(subject) AS h FROM keystile_credentials WHERE id = $1::text) s`,
		touch: `WITH used AS MATERIALIZED (SELECT id, at, addr FROM jsonb_to_recordset($1::text::jsonb) AS u(id text, at timestamptz, addr text)), locked AS (
				SELECT k.id, at, addr FROM keystile_credentials k JOIN used USING (id) WHERE k.last_used_at IS NULL OR k.last_used_at < at ORDER BY k.id FOR NO KEY UPDATE OF k
			) UPDATE keystile_credentials k SET last_used_at = at, last_used_addr = addr FROM locked l WHERE k.id = l.id AND (k.last_used_at IS NULL OR k.last_used_at < at)`,
		update: `WITH changed AS (
				UPDATE keystile_credentials SET name = COALESCE($2::text, name), scopes = COALESCE($3::text, scopes), networks = COALESCE($4::text, networks), data = COALESCE($5::bytea, data)
				WHERE id = $1::text RETURNING *
			) SELECT ` + row.Columns + ` FROM changed, ` + pgNotify,
		revoke: revoke(`SELECT id FROM keystile_credentials WHERE `+pgLive(`$1`, `$3`), `COALESCE(expires_at, 'infinity'::timestamptz) DESC`),
		revokeID: revoke(`SELECT id FROM keystile_credentials WHERE id = $8::text AND ($1::text = '' OR subject = $1)
			AND revoked_at IS NULL AND COALESCE(expires_at, 'infinity') > $3::timestamptz`, `id`),
		erase: `WITH chosen AS (
				SELECT id FROM keystile_credentials WHERE subject = $1::text ORDER BY kind, client_id, created_at, id LIMIT ` + strconv.Itoa(batch) + `
			), locked AS (
				SELECT id FROM keystile_credentials WHERE ` + these(`chosen`) + ` ORDER BY id FOR UPDATE
			), changed AS (
				DELETE FROM keystile_credentials WHERE ` + these(`locked`) + ` RETURNING digest
			) SELECT digest FROM changed, ` + pgNotify,
		ended:   prune(`IS NULL`),
		rotated: prune(`IS NOT NULL`),

		time: func(t time.Time) any {
			if t = truncated(t); t.IsZero() {
				return nil
			}
			return t
		},
		inJSON: func(t time.Time) any { return truncated(t) },

		insert: pgInsert,
		rotate: pgRotate,
	}
}

// pgRecent counts the rows to which limits.Recent applies. It stops at the limit.
const pgRecent = `recent AS (
		SELECT count(*) AS n FROM (
			SELECT FROM keystile_credentials WHERE subject = $4::text AND kind = $2::text AND client_id = $9::text
			AND created_at >= COALESCE($22::timestamptz, '-infinity') LIMIT $21::bigint
		) r
	)`

// pgValues inserts the values $1 to $18.
const pgValues = `INSERT INTO keystile_credentials (` + row.Columns + `)
		SELECT $1::text, $2::text, $3::bytea, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text,
		$12::timestamptz, $13::timestamptz, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::text, $18::bytea `

// Each row of the result is an outcome and its digest, or NULL.
var pgInsertion = `WITH ` + pgRecent + `, live AS MATERIALIZED (
		SELECT id, kind, client_id, created_at FROM keystile_credentials WHERE $19::bigint > 0 AND ` + pgLive(`$4`, `$12`) + ` AND rotated_at IS NULL
	), excess AS MATERIALIZED (
		SELECT id FROM live WHERE kind = $2 AND client_id = $9 ORDER BY created_at DESC, id DESC OFFSET GREATEST($19 - 1, 0)
	), room AS MATERIALIZED (
		SELECT ($21 <= 0 OR n < $21) AND ($20::boolean OR NOT EXISTS (SELECT FROM excess)) AS ok FROM recent
	), inserted AS (
		` + pgValues + `FROM room WHERE ok ON CONFLICT DO NOTHING RETURNING digest
	), locked AS (
		SELECT id FROM keystile_credentials WHERE id = ANY (ARRAY(SELECT id FROM excess)) AND EXISTS (SELECT FROM inserted) ORDER BY id FOR NO KEY UPDATE
	), ended AS (
		UPDATE keystile_credentials SET revoked_at = $12 WHERE id = ANY (ARRAY(SELECT id FROM locked)) RETURNING digest
	)
	SELECT 'limit', NULL::bytea FROM room WHERE NOT ok
	UNION ALL SELECT 'exists', NULL FROM room WHERE ok AND NOT EXISTS (SELECT FROM inserted)
	UNION ALL SELECT 'inserted', digest FROM inserted, ` + pgNotify + `
	UNION ALL SELECT 'ended', digest FROM ended, ` + pgNotify

func pgInsert(ctx context.Context, run query.Runner, in insertion) ([]store.Digest, error) {
	l := in.limits
	var out outcome
	statements := []query.Statement{
		{SQL: pgLockSubject, Args: []any{in.subject}},
		{SQL: pgInsertion, Args: append(in.values, max(l.Active, 0), l.EndOldest, max(l.Recent, 0), in.since), Read: out.read},
	}
	if l.Active <= 0 && l.Recent <= 0 { // nothing to count
		statements = statements[1:]
	}
	if err := run(ctx, statements...); err != nil {
		return nil, err
	}
	return out.ended, out.answer
}

const pgRotation = `WITH old AS MATERIALIZED (
		SELECT subject = $4::text AS same_subject, rotated_at IS NULL AND revoked_at IS NULL AND COALESCE(expires_at, 'infinity') > $12::timestamptz AS current
		FROM keystile_credentials WHERE id = $19::text FOR NO KEY UPDATE
	), ` + pgRecent + `, room AS MATERIALIZED (
		SELECT CASE WHEN NOT same_subject THEN 'subject' WHEN NOT current THEN 'conflict' WHEN $21 > 0 AND n >= $21 THEN 'limit' END AS refusal
		FROM old, recent
	), inserted AS (
		` + pgValues + `FROM room WHERE refusal IS NULL ON CONFLICT DO NOTHING RETURNING digest
	), rotated AS (
		UPDATE keystile_credentials k SET rotated_at = $12, expires_at = LEAST(k.expires_at, $20::timestamptz)
		WHERE k.id = $19 AND EXISTS (SELECT FROM inserted) RETURNING digest
	)
	SELECT refusal, NULL::bytea FROM room WHERE refusal IS NOT NULL
	UNION ALL SELECT 'exists', NULL FROM room WHERE refusal IS NULL AND NOT EXISTS (SELECT FROM inserted)
	UNION ALL SELECT 'inserted', digest FROM inserted, ` + pgNotify + `
	UNION ALL SELECT 'rotated', digest FROM rotated, ` + pgNotify

func pgRotate(ctx context.Context, run query.Runner, id string, until any, in insertion) error {
	var out outcome
	err := run(ctx,
		query.Statement{SQL: pgLockSubject, Args: []any{in.subject}},
		query.Statement{SQL: pgRotation, Args: append(in.values, id, until, max(in.limits.Recent, 0), in.since), Read: out.read})
	if err != nil {
		return err
	}
	return out.answer
}

// An outcome is the result of pgInsertion or pgRotation.
type outcome struct {
	answer error
	ended  []store.Digest
}

func (o *outcome) read(rows query.Rows) error {
	*o = outcome{answer: store.ErrNotFound} // stays if there is no row, because there is nothing to rotate
	for rows.Next() {
		var what string
		var d *row.Digest // nil if the call is refused
		if err := rows.Scan(&what, &d); err != nil {
			return err
		}
		switch what {
		case "inserted":
			o.answer = nil
		case "limit":
			o.answer = store.ErrLimit
		case "exists":
			o.answer = store.ErrExists
		case "conflict":
			o.answer = store.ErrConflict
		case "subject":
			o.answer = errOtherSubject
		case "ended":
			o.ended = append(o.ended, store.Digest(*d))
		}
	}
	return rows.Err()
}
