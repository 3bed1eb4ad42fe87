package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

// R11 B9 S1 S5 E13: with 200 000 ended credentials, no call reads the whole table or
// more rows than it needs, even after the server has chosen a generic plan.
func TestPlans(t *testing.T) {
	d := engine.Database(t)
	d.DB.SetMaxOpenConns(1) // so that the connection sees the counts of its own reads at once
	st := d.Filled(t)
	read := func() (scans, rows int) {
		suite.Exec(t, d.DB, `SELECT pg_stat_force_next_flush()`)
		row := d.DB.QueryRowContext(t.Context(), `SELECT seq_scan, seq_tup_read + t.idx_tup_fetch + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)
			FROM pg_stat_user_tables t WHERE relname = 'keystile_credentials'`)
		if err := row.Scan(&scans, &rows); err != nil {
			t.Fatal(err)
		}
		return scans, rows
	}
	for _, mode := range []string{"auto", "force_generic_plan"} {
		suite.Exec(t, d.DB, `SET plan_cache_mode = `+mode)
		for _, call := range suite.Bounded(st) {
			scans, rows := read()
			if err := call.Do(t.Context()); err != nil {
				t.Fatalf("%s, %s: %v", mode, call.Name, err)
			}
			scansAfter, rowsAfter := read()
			if scansAfter > scans {
				t.Errorf("%s, %s: %d sequential scans", mode, call.Name, scansAfter-scans)
			}
			if n := rowsAfter - rows; n > 3*call.Rows+20 {
				t.Errorf("%s, %s: read %d rows and index entries, want about %d", mode, call.Name, n, call.Rows)
			}
		}
		// Undo the changes of the calls.
		suite.Exec(t, d.DB, `DELETE FROM keystile_credentials WHERE id IN ('new', 'newer', 'next')`, `UPDATE keystile_credentials SET revoked_at = NULL WHERE id LIKE 'live%' OR id LIKE 'eve%'`, `VACUUM ANALYZE keystile_credentials`)
	}
}
