package query

// PrimaryOnly is a condition that is true on a primary and an error on a standby,
// whose rows may be old. It is evaluated once, before the query reads a row.
const PrimaryOnly = ` AND (SELECT CASE WHEN pg_is_in_recovery()
	THEN ('pg_is_in_recovery is ' || pg_is_in_recovery() || ': the server is a standby, whose data may be old; connect to the primary')::boolean ELSE true END)`
