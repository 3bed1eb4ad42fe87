package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// BenchmarkFind compares Find with the driver's own prepared query of the same
// row, scanned into plain variables, by turns, so that all have the same machine:
// "ratio" is how much longer Find takes than a query with the same timeout, and
// "unbounded-ratio" than one that may take for ever, for which a driver needs no
// goroutine. With a million rows it shows how a lookup grows; -short leaves that
// out.
func BenchmarkFind(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		if rows > 100_000 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprint("SQLite/", rows), func(b *testing.B) {
			d := newSQLite(b)
			d.filled(b, rows)
			exec(b, d.db, `PRAGMA wal_checkpoint(TRUNCATE)`)
			var path string
			if err := d.db.QueryRow(`SELECT file FROM pragma_database_list`).Scan(&path); err != nil {
				b.Fatal(err)
			}
			d.db.Close()
			st, err := sqlite.Open(b.Context(), path)
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			d.dsn = "file:" + filepath.ToSlash(path) + "?_pragma=query_only(1)&_pragma=journal_mode(WAL)"
			benchmark(b, d.open(b), st.Store, rows, `SELECT * FROM keystile_credentials WHERE digest = ? AND kind = ?`)
		})
		b.Run(fmt.Sprint("PostgreSQL/", rows), func(b *testing.B) {
			d := newPostgres(b)
			st := d.filled(b, rows)
			benchmark(b, d.open(b), st, rows, `SELECT * FROM keystile_credentials WHERE digest = $1 AND kind = $2`)
		})
	}
}

func benchmark(b *testing.B, db *sql.DB, st *sqlstore.Store, rows int, query string) {
	ctx := context.Background()
	stmt, err := db.PrepareContext(ctx, query)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	unbounded := func(ctx context.Context, d []byte) error {
		var id, kind, subject, name, scopes, family, parent, networks string
		var digest, data []byte
		var times [5]any
		return stmt.QueryRowContext(ctx, d, "token").Scan(&id, &kind, &digest, &subject, &name, &scopes, &family, &parent, &networks,
			&times[0], &times[1], &times[2], &times[3], &times[4], &data)
	}
	bounded := func(ctx context.Context, d []byte) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return unbounded(ctx, d)
	}
	find := func(ctx context.Context, d []byte) error {
		_, err := st.Find(ctx, store.KindToken, store.Digest(d))
		return err
	}
	const turn = 20
	var spent [3]time.Duration
	for b.Loop() {
		for i, f := range []func(context.Context, []byte) error{unbounded, bounded, find} {
			start := time.Now()
			for range turn {
				if err := f(ctx, fmt.Appendf(nil, "%032d", 1+rand.IntN(rows))); err != nil {
					b.Fatal(err)
				}
			}
			spent[i] += time.Since(start)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent[2].Nanoseconds())/float64(b.N)/turn, "find-ns")
	b.ReportMetric(float64(spent[2])/float64(spent[1]), "ratio")
	b.ReportMetric(float64(spent[2])/float64(spent[0]), "unbounded-ratio")
}
