package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// filled returns d with a Store of n rows, ten for each subject, three for each
// family and seven for each parent.
func (d *database) filled(t testing.TB, n int) *sqlstore.Store {
	t.Helper()
	st := d.migrated(t)
	fill := `INSERT INTO keystile_credentials SELECT printf('%08d', i), 'token', CAST(printf('%032d', i) AS BLOB), 'account-' || (i/10), '', '["*"]',
		'family-' || (i/3), 'parent-' || (i/7), '', i, i + 1000, NULL, CASE WHEN i % 10 = 0 THEN i END, NULL, x''
		FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) SELECT i FROM n)`
	fill = strings.NewReplacer("%08d", "%%08d", "%032d", "%%032d", "% 10", "%% 10").Replace(fill)
	if d.dialect == sqlstore.PostgreSQL {
		fill = `INSERT INTO keystile_credentials SELECT lpad(i::text, 8, '0'), 'token', convert_to(lpad(i::text, 32, '0'), 'UTF8'), 'account-' || (i/10), '', '["*"]',
			'family-' || (i/3), 'parent-' || (i/7), '', to_timestamp(i/1e6), to_timestamp(i/1e6 + 0.001), NULL, CASE WHEN i %% 10 = 0 THEN to_timestamp(i/1e6) END, NULL, ''
			FROM generate_series(1, %d) i`
	}
	exec(t, d.db, fmt.Sprintf(fill, n), `ANALYZE`)
	return st
}

// asked are the calls that must not read the whole table. Prune has nothing to
// do.
func asked(st store.Store) map[string]func(ctx context.Context) error {
	list := func(f store.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := st.List(ctx, f); return err }
	}
	revoke := func(f store.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := st.Revoke(ctx, f, epoch); return err }
	}
	var d store.Digest
	copy(d[:], fmt.Sprintf("%032d", 7))
	return map[string]func(ctx context.Context) error{
		"Find":              func(ctx context.Context) error { _, err := st.Find(ctx, store.KindToken, d); return err },
		"Get":               func(ctx context.Context) error { _, err := st.Get(ctx, "00000007"); return err },
		"List of a subject": list(store.Filter{Subject: "account-5", Kind: store.KindToken, Active: true}),
		"List of a page":    list(store.Filter{Subject: "account-5", Before: "00000055", Limit: 2}),
		"List of a family":  list(store.Filter{Family: "family-5"}),
		"List of a parent":  list(store.Filter{Parent: "parent-5"}),
		"Insert":            func(ctx context.Context) error { return st.Insert(ctx, credential("new"), 100) },
		"Rotate": func(ctx context.Context) error {
			next := credential("next")
			next.CreatedAt = time.UnixMicro(27)
			return st.Rotate(ctx, "00000027", time.UnixMicro(28), next)
		},
		"Touch":            func(ctx context.Context) error { return st.Touch(ctx, "00000007", epoch) },
		"Revoke one":       revoke(store.Filter{ID: "00000017", Subject: "account-1"}),
		"Revoke a subject": revoke(store.Filter{Subject: "account-5"}),
		"Revoke a family":  revoke(store.Filter{Family: "family-5"}),
		"Revoke a parent":  revoke(store.Filter{Parent: "parent-5"}),
		"Prune":            func(ctx context.Context) error { _, err := st.Prune(ctx, time.UnixMicro(9)); return err },
	}
}

// No call reads the whole table, and Find looks at one index, once.
func TestPlansPostgreSQL(t *testing.T) {
	d := newPostgres(t)
	d.db.SetMaxOpenConns(1) // what a connection has read it alone can tell at once
	st := d.filled(t, 20_000)
	scans := func() (seq, idx int) {
		exec(t, d.db, `SELECT pg_stat_force_next_flush()`)
		row := d.db.QueryRowContext(t.Context(), `SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'keystile_credentials'`)
		if err := row.Scan(&seq, &idx); err != nil {
			t.Fatal(err)
		}
		return seq, idx
	}
	for name, call := range asked(st) {
		seq, idx := scans()
		calls := 1
		if name == "Find" {
			calls = 10 // after five the server may plan anew
		}
		for range calls {
			if err := call(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		seq2, idx2 := scans()
		if seq2 != seq {
			t.Errorf("%s: %d sequential scans", name, seq2-seq)
		}
		if used := idx2 - idx; used < calls && name != "Insert" || name == "Find" && used != calls {
			t.Errorf("%s: %d index scans of %d calls", name, used, calls)
		}
	}
}

func TestPlansSQLite(t *testing.T) {
	d := newSQLite(t)
	d.filled(t, 20_000)
	r := &recorder{sqlite: d.db.Driver(), dsn: d.dsn}
	db := sql.OpenDB(r)
	defer db.Close()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.dialect})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range asked(st) {
		r.queries = nil
		if err := call(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plans := 0
		for _, q := range r.queries {
			args := make([]any, strings.Count(q, "?"))
			rows, err := d.db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+q, args...)
			if err != nil {
				t.Fatalf("%s: %v", q, err)
			}
			var steps []string
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					t.Fatal(err)
				}
				steps = append(steps, step)
			}
			plans += len(steps)
			plan := strings.Join(steps, "; ")
			if strings.Contains(plan, "SCAN keystile") || name == "List of a subject" && strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s: %s\n%s", name, q, plan)
			}
			if name == "Find" && (len(steps) != 1 || !strings.HasPrefix(plan, "SEARCH keystile_credentials USING INDEX sqlite_autoindex_keystile_credentials_2 (digest=?)")) {
				t.Errorf("%s: %s\n%s", name, q, plan)
			}
		}
		if plans == 0 && name != "Insert" {
			t.Errorf("%s: no plan", name)
		}
	}
}
