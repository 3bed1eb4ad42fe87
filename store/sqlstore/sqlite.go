package sqlstore

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

const (
	// liteLive selects the live rows of subject ?1.
	liteLive = `keystile_credentials INDEXED BY keystile_credentials_live WHERE subject = ?1 AND revoked_at IS NULL AND COALESCE(expires_at, 9223372036854775807) > `

	liteEnd = `COALESCE(min(expires_at, revoked_at), expires_at, revoked_at)` // min of NULL is NULL
)

// sqliteDialect returns the statements of SQLite. It needs no locks, because only one
// transaction writes at a time.
func sqliteDialect() *dialect {
	filter := ` AND (?4 = '' OR kind = ?4) AND (?5 = '' OR family = ?5 OR id = ?5) AND (?6 = '' OR client_id = ?6) AND id NOT IN (SELECT value FROM json_each(?7))`
	limit := ` LIMIT ` + strconv.Itoa(batch)
	revoke := func(chosen string) string {
		return `UPDATE keystile_credentials SET revoked_at = ?2 WHERE rowid IN (SELECT rowid FROM ` + chosen + filter + limit + `) RETURNING digest`
	}
	prune := func(index, which string) string {
		return `DELETE FROM keystile_credentials WHERE rowid IN (
			SELECT rowid FROM keystile_credentials INDEXED BY ` + index + ` WHERE rotated_at ` + which + ` AND ` + liteEnd + ` < ?1 AND ` + liteEnd + ` >= COALESCE(?2, -9223372036854775808)
			ORDER BY ` + liteEnd + limit + `) RETURNING ` + liteEnd + `, 1`
	}
	return &dialect{
		hasMigrations: `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'keystile_migrations')`,

		find: `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE digest = ?1 AND kind = ?2`,
		get:  `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE id = ?1`,
		list: `SELECT ` + row.Columns + ` FROM keystile_credentials INDEXED BY keystile_credentials_history WHERE subject = ?1 AND kind = ?2 AND client_id = ?3
			AND (created_at, id) < (COALESCE(?4, 9223372036854775807), ?5) ORDER BY created_at DESC, id DESC LIMIT ?6`,
		listActive: `SELECT ` + row.Columns + ` FROM ` + liteLive + `?7 AND kind = ?2 AND (?3 = '*' OR client_id = ?3)
			AND (created_at, id) < (COALESCE(?4, 9223372036854775807), ?5) ORDER BY created_at DESC, id DESC LIMIT ?6`,
		scan: `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE id > ?1 ORDER BY id LIMIT ?2`,

		touch: `UPDATE keystile_credentials SET last_used_at = at, last_used_addr = addr
			FROM (SELECT json_extract(value, '$.id') AS used, json_extract(value, '$.at') AS at, json_extract(value, '$.addr') AS addr FROM json_each(?1))
			WHERE id = used AND (last_used_at IS NULL OR last_used_at < at)`,
		update: `UPDATE keystile_credentials SET name = COALESCE(?2, name), scopes = COALESCE(?3, scopes), networks = COALESCE(?4, networks), data = COALESCE(?5, data)
			WHERE id = ?1 RETURNING ` + row.Columns,
		revoke:   revoke(liteLive + `?3`),
		revokeID: revoke(`keystile_credentials WHERE id = ?8 AND (?1 = '' OR subject = ?1) AND revoked_at IS NULL AND COALESCE(expires_at, 9223372036854775807) > ?3`),
		erase:    `DELETE FROM keystile_credentials WHERE rowid IN (SELECT rowid FROM keystile_credentials WHERE subject = ?1` + limit + `) RETURNING digest`,
		ended:    prune(`keystile_credentials_ended`, `IS NULL`),
		rotated:  prune(`keystile_credentials_rotated`, `IS NOT NULL`),

		time: func(t time.Time) any {
			if truncated(t).IsZero() {
				return nil
			}
			return t.UnixMicro() // rounds down, before 1970 too
		},
		inJSON: func(t time.Time) any { return t.UnixMicro() },

		insert: liteInsert,
		rotate: liteRotate,
	}
}

const (
	liteInsertion = `INSERT INTO keystile_credentials (` + row.Columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING digest`

	// liteExcess selects all current credentials except the ?4 newest.
	liteExcess = `SELECT id FROM ` + liteLive + `?5 AND kind = ?2 AND client_id = ?3 AND rotated_at IS NULL ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?4`

	liteRecent = `SELECT count(*) FROM (
		SELECT 1 FROM keystile_credentials WHERE subject = ?1 AND kind = ?2 AND client_id = ?3 AND created_at >= COALESCE(?4, -9223372036854775808) LIMIT ?5)`

	liteEndThese = `UPDATE keystile_credentials SET revoked_at = ?2 WHERE id IN (SELECT value FROM json_each(?1)) RETURNING digest`

	liteState = `SELECT CASE WHEN subject <> ?3 THEN 'subject' WHEN rotated_at IS NULL AND revoked_at IS NULL AND COALESCE(expires_at, 9223372036854775807) > ?2 THEN 'current' ELSE 'conflict' END FROM keystile_credentials WHERE id = ?1`

	liteRotation = `UPDATE keystile_credentials SET rotated_at = ?2, expires_at = COALESCE(min(expires_at, ?3), expires_at, ?3) WHERE id = ?1`
)

func liteInsert(ctx context.Context, run query.Runner, in insertion) ([]store.Digest, error) {
	var excess []string
	if in.limits.Active > 0 {
		err := run(ctx, query.Statement{
			SQL:  liteExcess,
			Args: []any{in.subject, in.kind, in.client, in.limits.Active - 1, in.created},
			Read: all(&excess),
		})
		switch {
		case err != nil:
			return nil, err
		case len(excess) > 0 && !in.limits.EndOldest:
			return nil, store.ErrLimit
		}
	}
	if err := liteInsertRecent(ctx, run, in); err != nil || len(excess) == 0 {
		return nil, err
	}
	ids, err := json.Marshal(excess)
	if err != nil {
		return nil, err
	}
	var ended []store.Digest
	err = run(ctx, query.Statement{SQL: liteEndThese, Args: []any{string(ids), in.created}, Read: digests(&ended)})
	return ended, err
}

// liteInsertRecent inserts a credential, within limits.Recent.
func liteInsertRecent(ctx context.Context, run query.Runner, in insertion) error {
	if recent := in.limits.Recent; recent > 0 {
		var n []int
		err := run(ctx, query.Statement{SQL: liteRecent, Args: []any{in.subject, in.kind, in.client, in.since, recent}, Read: all(&n)})
		switch {
		case err != nil:
			return err
		case n[0] >= recent:
			return store.ErrLimit
		}
	}
	var inserted []store.Digest
	err := run(ctx, query.Statement{SQL: liteInsertion, Args: in.values, Read: digests(&inserted)})
	if err == nil && len(inserted) == 0 {
		err = store.ErrExists
	}
	return err
}

func liteRotate(ctx context.Context, run query.Runner, id string, until any, in insertion) error {
	var state []string
	err := run(ctx, query.Statement{SQL: liteState, Args: []any{id, in.created, in.subject}, Read: all(&state)})
	switch {
	case err != nil:
		return err
	case len(state) == 0:
		return store.ErrNotFound
	case state[0] == "subject":
		return errOtherSubject
	case state[0] == "conflict":
		return store.ErrConflict
	}
	if err := liteInsertRecent(ctx, run, in); err != nil {
		return err
	}
	return run(ctx, query.Statement{SQL: liteRotation, Args: []any{id, in.created, until}})
}
