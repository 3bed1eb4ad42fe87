-- A NULL time means never. Text that is compared by its bytes has the collation "C".
CREATE TABLE keystile_credentials (
	id             text        COLLATE "C" NOT NULL PRIMARY KEY,
	kind           text        COLLATE "C" NOT NULL,
	digest         bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
	subject        text        COLLATE "C" NOT NULL,
	name           text        NOT NULL,
	hint           text        NOT NULL,
	scopes         text        NOT NULL, -- a JSON array
	family         text        COLLATE "C" NOT NULL,
	client_id      text        COLLATE "C" NOT NULL,
	actor          text        NOT NULL,
	networks       text        NOT NULL, -- prefixes, separated by spaces; '': any
	created_at     timestamptz NOT NULL,
	expires_at     timestamptz,
	rotated_at     timestamptz,
	revoked_at     timestamptz,
	last_used_at   timestamptz,          -- in no index, like last_used_addr: recording a use costs little
	last_used_addr text        NOT NULL,
	data           bytea       NOT NULL
) WITH (fillfactor = 90);

-- Everything of one account and client by its age; and what may still be used.
CREATE INDEX keystile_credentials_history ON keystile_credentials (subject, kind, client_id, created_at, id);
CREATE INDEX keystile_credentials_live ON keystile_credentials (subject, COALESCE(expires_at, 'infinity'::timestamptz)) WHERE revoked_at IS NULL;

-- What Prune deletes, by its end.
CREATE INDEX keystile_credentials_ended ON keystile_credentials (LEAST(expires_at, revoked_at)) WHERE rotated_at IS NULL;
CREATE INDEX keystile_credentials_rotated ON keystile_credentials (LEAST(expires_at, revoked_at)) WHERE rotated_at IS NOT NULL;

CREATE TABLE keystile_migrations (
	version    integer     NOT NULL PRIMARY KEY, -- the number of a file that was applied
	applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO keystile_migrations (version) VALUES (1);
