package query

// PrimaryOnly is a condition that is true at a primary and fails at a standby, whose
// rows may be old. It is evaluated once, before any row is looked for.
const PrimaryOnly = ` AND (SELECT CASE WHEN pg_is_in_recovery()
	THEN ('pg_is_in_recovery is ' || pg_is_in_recovery() || ': the server is a standby, whose data may be old; connect to the primary')::boolean ELSE true END)`
