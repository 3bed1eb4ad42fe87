-- Times are microseconds since 1970, UTC; NULL means never.
CREATE TABLE keystile_credentials (
	id             TEXT    NOT NULL PRIMARY KEY,
	kind           TEXT    NOT NULL,
	digest         BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
	subject        TEXT    NOT NULL,
	name           TEXT    NOT NULL,
	hint           TEXT    NOT NULL,
	scopes         TEXT    NOT NULL, -- a JSON array
	family         TEXT    NOT NULL,
	client_id      TEXT    NOT NULL,
	actor          TEXT    NOT NULL,
	networks       TEXT    NOT NULL, -- prefixes, separated by spaces; '': any
	created_at     INTEGER NOT NULL,
	expires_at     INTEGER,
	rotated_at     INTEGER,
	revoked_at     INTEGER,
	last_used_at   INTEGER,          -- in no index, like last_used_addr: recording a use costs little
	last_used_addr TEXT    NOT NULL,
	data           BLOB    NOT NULL
) STRICT;

-- Everything of one account and client by its age; and what may still be used.
CREATE INDEX keystile_credentials_history ON keystile_credentials (subject, kind, client_id, created_at, id);
CREATE INDEX keystile_credentials_live ON keystile_credentials (subject, COALESCE(expires_at, 9223372036854775807)) WHERE revoked_at IS NULL;

-- What Prune deletes, by its end: the earlier of two times, or the one that there is.
CREATE INDEX keystile_credentials_ended ON keystile_credentials (COALESCE(min(expires_at, revoked_at), expires_at, revoked_at)) WHERE rotated_at IS NULL;
CREATE INDEX keystile_credentials_rotated ON keystile_credentials (COALESCE(min(expires_at, revoked_at), expires_at, revoked_at)) WHERE rotated_at IS NOT NULL;

CREATE TABLE keystile_migrations (
	version    INTEGER NOT NULL PRIMARY KEY, -- the number of a file that was applied
	applied_at TEXT    NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;
INSERT INTO keystile_migrations (version) VALUES (1);
