//go:build !race

package sqlite_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

func TestManyLive(t *testing.T) { engine.ManyLive(t) }

// R11 B9 S1 S5 E13: with 200 000 ended credentials, every statement searches an
// index, and only lists of live credentials are sorted.
func TestPlans(t *testing.T) {
	d := engine.Database(t)
	d.Filled(t)
	r := &recorder{sqlite: d.DB.Driver(), dsn: d.DSN}
	db := sql.OpenDB(r)
	defer db.Close()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.Dialect})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range suite.Bounded(st) {
		r.taken()
		if err := call.Do(t.Context()); err != nil {
			t.Fatalf("%s: %v", call.Name, err)
		}
		statements := r.taken()
		if len(statements) == 0 {
			t.Errorf("%s: no statement", call.Name)
		}
		for _, s := range statements {
			plan := explained(t, d.DB, s)
			for _, step := range plan {
				switch {
				case strings.HasPrefix(step, "SCAN keystile"),
					strings.HasPrefix(step, "SEARCH") && strings.Contains(step, "_history (subject=? AND kind=?)"),
					strings.HasPrefix(step, "SEARCH") && strings.HasSuffix(step, "_history (subject=?)"):
					t.Errorf("%s: %s\n%s", call.Name, s.text, strings.Join(plan, "\n"))
				case strings.Contains(step, "TEMP B-TREE"):
					if !strings.Contains(s.text, "INDEXED BY keystile_credentials_live") {
						t.Errorf("%s: sorts: %s\n%s", call.Name, s.text, strings.Join(plan, "\n"))
					}
				}
			}
		}
	}
}

func explained(t testing.TB, db *sql.DB, s statement) (plan []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+s.text, s.args...)
	if err != nil {
		t.Fatalf("%s: %v", s.text, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
