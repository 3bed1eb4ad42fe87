-- The schema of the first release, and rows that must keep reading.
CREATE TABLE keystile_migrations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	version_id INTEGER NOT NULL,
	is_applied INTEGER NOT NULL,
	tstamp TIMESTAMP DEFAULT (datetime('now'))
);
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
INSERT INTO keystile_migrations (version_id, is_applied, tstamp) VALUES (0, 1, '2026-01-01 00:00:00'), (1, 1, '2026-01-01 00:00:00');
INSERT INTO keystile_credentials (id, kind, digest, subject, name, scopes, family, parent, networks, created_at, expires_at, rotated_at, revoked_at, last_used_at, data) VALUES
('7QZT3NLEFULL', 'token', X'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'ada@example.com', 'café ☃ "CI"', '["reports:read","reports:write"]', '7QZT3NLEROOT', '7QZT3NLESECRET', '10.0.0.0/8 2001:db8::/32 192.0.2.7/32', 1767323045678901, 1775099045678902, 1770001445678903, 1770087845678904, 1769915045678905, X'00ff2773270a'),
('7QZT3NLEBARE', 'token', X'202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', 'ada@example.com', '', '[]', '7QZT3NLEBARE', '', '', 1767225600000000, NULL, NULL, NULL, NULL, X''),
('7QZT3NLESECRET', 'secret', X'404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f', 'ada@example.com', 'server', '["*"]', '7QZT3NLESECRET', '', '::1/128', -1, 253402300799999999, NULL, NULL, NULL, X''),
('7QZT3NLESESSION', 'session', X'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0', 'grace', '', '["*"]', '7QZT3NLESESSION', '', '', 1767268800500000, 0, NULL, NULL, NULL, X'7b7d');
