-- +goose Up
-- A NULL time means never. What is compared by its bytes has the collation "C".
CREATE TABLE keystile_credentials (
	id           text        COLLATE "C" NOT NULL PRIMARY KEY,
	kind         text        COLLATE "C" NOT NULL,
	digest       bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
	subject      text        COLLATE "C" NOT NULL,
	name         text        NOT NULL,
	scopes       text        NOT NULL, -- a JSON array
	family       text        COLLATE "C" NOT NULL,
	parent       text        COLLATE "C" NOT NULL,
	networks     text        NOT NULL, -- prefixes, with spaces between them; '': any
	created_at   timestamptz NOT NULL,
	expires_at   timestamptz,
	rotated_at   timestamptz,
	revoked_at   timestamptz,
	last_used_at timestamptz,          -- not in an index, so that a use costs little
	data         bytea       NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX keystile_credentials_subject ON keystile_credentials (subject, created_at, id);
CREATE INDEX keystile_credentials_family  ON keystile_credentials (family);
CREATE INDEX keystile_credentials_parent  ON keystile_credentials (parent);
CREATE INDEX keystile_credentials_expires ON keystile_credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX keystile_credentials_revoked ON keystile_credentials (revoked_at) WHERE revoked_at IS NOT NULL;
