package main

import (
	"context"
	"database/sql"
	"net/url"
)

// schema has the existing tables, and the indexes that the queries need. Times are
// microseconds since 1970. A zero time is NULL, or the constant never in the column ends.
// Fields that no query uses in a condition are in details.
const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS access_keys (
	key       TEXT PRIMARY KEY NOT NULL,
	hash      BLOB UNIQUE NOT NULL,
	type      TEXT NOT NULL,
	account   INTEGER NOT NULL REFERENCES accounts (id),
	chain     TEXT NOT NULL,
	client    TEXT NOT NULL,
	made      INTEGER NOT NULL,
	ends      INTEGER NOT NULL,
	rotated   INTEGER,
	blocked   INTEGER,
	used      INTEGER,
	used_from TEXT NOT NULL,
	details   TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS access_keys_pages   ON access_keys (account, type, client, made, key);
CREATE INDEX IF NOT EXISTS access_keys_live    ON access_keys (account, ends) WHERE blocked IS NULL;
CREATE INDEX IF NOT EXISTS access_keys_ends    ON access_keys (ends);
CREATE INDEX IF NOT EXISTS access_keys_blocked ON access_keys (blocked) WHERE blocked IS NOT NULL;`

// open returns the database of the service. Every transaction takes the write lock
// when it begins, so the rows that it has read do not change until it ends.
func open(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	// With one connection, calls wait in a fair queue. SQLite's own lock would let
	// a busy writer overtake a waiting one.
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, schema)
	return db, err
}

// account returns the ID of the account with this name, which it creates if there
// is none.
func account(ctx context.Context, db *sql.DB, name string) (id int64, err error) {
	err = db.QueryRowContext(ctx, `INSERT INTO accounts (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id`, name).Scan(&id)
	return id, err
}
