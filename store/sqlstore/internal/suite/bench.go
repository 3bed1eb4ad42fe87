package suite

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// Lookups returns two functions that look up a random credential of
// [Database.Filled]. The first uses st. The second uses a prepared statement of the
// driver and scans the row into plain variables, with the same timeout.
func Lookups(tb testing.TB, st store.Finder, db *sql.DB, statement string) (find, driver func()) {
	stmt, err := db.Prepare(statement)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stmt.Close() })
	digest := func() store.Digest { return store.Digest(fmt.Appendf(nil, "ada%029d", 1+rand.IntN(Ended))) }
	find = func() {
		if _, err := st.Find(context.Background(), store.KindToken, digest()); err != nil {
			tb.Error(err)
		}
	}
	driver = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		d := digest()
		var id, kind, subject, name, hint, scopes, family, client, actor, networks, addr string
		var sum, data []byte
		var times [5]any
		err := stmt.QueryRowContext(ctx, d[:], "token").Scan(&id, &kind, &sum, &subject, &name, &hint, &scopes, &family, &client, &actor, &networks,
			&times[0], &times[1], &times[2], &times[3], &times[4], &addr, &data)
		if err != nil {
			tb.Error(err)
		}
	}
	return find, driver
}

// CompareFind reports how long a Find takes, how much longer that is than the driver,
// and how many more allocations it makes. It alternates the two, so that both see the
// same load of the machine.
func CompareFind(b *testing.B, find, driver func()) {
	const turn = 20
	var spent [2]time.Duration
	for b.Loop() {
		for i, lookup := range []func(){find, driver} {
			start := time.Now()
			for range turn {
				lookup()
			}
			spent[i] += time.Since(start)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent[0].Nanoseconds())/float64(b.N)/turn, "find-ns")
	b.ReportMetric(float64((spent[0]-spent[1]).Nanoseconds())/float64(b.N)/turn, "more-ns")
	b.ReportMetric(testing.AllocsPerRun(500, find)-testing.AllocsPerRun(500, driver), "more-allocs")
}
