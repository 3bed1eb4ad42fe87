-- The schema of the first release, and rows that every later one must read.
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

INSERT INTO keystile_credentials VALUES
('7QZT3NLEFULL', 'token', X'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'ada@example.com', 'café ☃ "CI"', 'pat_…KQDc', '["reports:read","reports:write"]', '7QZT3NLEROOT', '7QZT3NLESECRET', 'support:grace', '10.0.0.0/8 2001:db8::/32 192.0.2.7/32', 1767323045678901, 1775099045678902, 1770001445678903, 1770087845678904, 1769915045678905, '192.0.2.7', X'00ff2773270a'),
('7QZT3NLEBARE', 'token', X'202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'ada@example.com', '', '', '[]', '7QZT3NLEBARE', '', '', '', 1767225600000000, NULL, NULL, NULL, NULL, '', X''),
('7QZT3NLESECRET', 'secret', X'404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f', 'ada@example.com', 'server', 'sec_…x0', '["*"]', '7QZT3NLESECRET', '', '', '::1/128', -1, 253402300799999999, NULL, NULL, 1767323045678901, 'fe80::1%eth0', X''),
('7QZT3NLESESSION', 'session', X'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0', 'grace', '', '', '["*"]', '7QZT3NLESESSION', '', '', '', 1767268800500000, 0, NULL, NULL, NULL, '', X'7b7d');
