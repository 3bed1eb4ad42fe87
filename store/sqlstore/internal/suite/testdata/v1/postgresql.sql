-- The schema of the first release, and rows that every later one must read.
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

INSERT INTO keystile_credentials VALUES ('7QZT3NLEFULL', 'token', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'ada@example.com', 'café ☃ "CI"', 'pat_…KQDc', '["reports:read","reports:write"]', '7QZT3NLEROOT', '7QZT3NLESECRET', 'support:grace', '10.0.0.0/8 2001:db8::/32 192.0.2.7/32', '2026-01-02 03:04:05.678901+00', '2026-04-02 03:04:05.678902+00', '2026-02-02 03:04:05.678903+00', '2026-02-03 03:04:05.678904+00', '2026-02-01 03:04:05.678905+00', '192.0.2.7', '\x00ff2773270a');
INSERT INTO keystile_credentials VALUES ('7QZT3NLEBARE', 'token', '\x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'ada@example.com', '', '', '[]', '7QZT3NLEBARE', '', '', '', '2026-01-01 00:00:00+00', NULL, NULL, NULL, NULL, '', '\x');
INSERT INTO keystile_credentials VALUES ('7QZT3NLESECRET', 'secret', '\x404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f', 'ada@example.com', 'server', 'sec_…x0', '["*"]', '7QZT3NLESECRET', '', '', '::1/128', '1969-12-31 23:59:59.999999+00', '9999-12-31 23:59:59.999999+00', NULL, NULL, '2026-01-02 03:04:05.678901+00', 'fe80::1%eth0', '\x');
INSERT INTO keystile_credentials VALUES ('7QZT3NLESESSION', 'session', '\xfffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0', 'grace', '', '', '["*"]', '7QZT3NLESESSION', '', '', '', '2026-01-01 12:00:00.5+00', '1970-01-01 00:00:00+00', NULL, NULL, NULL, '', '\x7b7d');
