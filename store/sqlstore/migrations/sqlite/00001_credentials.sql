-- +goose Up
-- Times are microseconds since 1970, UTC; NULL means never.
CREATE TABLE keystile_credentials (
	id           TEXT    NOT NULL PRIMARY KEY,
	kind         TEXT    NOT NULL,
	digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
	subject      TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	scopes       TEXT    NOT NULL, -- a JSON array
	family       TEXT    NOT NULL,
	parent       TEXT    NOT NULL,
	networks     TEXT    NOT NULL, -- prefixes, with spaces between them; '': any
	created_at   INTEGER NOT NULL,
	expires_at   INTEGER,
	rotated_at   INTEGER,
	revoked_at   INTEGER,
	last_used_at INTEGER,
	data         BLOB    NOT NULL
) STRICT;
CREATE INDEX keystile_credentials_subject ON keystile_credentials (subject, created_at, id);
CREATE INDEX keystile_credentials_family  ON keystile_credentials (family);
CREATE INDEX keystile_credentials_parent  ON keystile_credentials (parent);
CREATE INDEX keystile_credentials_expires ON keystile_credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX keystile_credentials_revoked ON keystile_credentials (revoked_at) WHERE revoked_at IS NOT NULL;
