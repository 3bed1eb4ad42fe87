package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// Ended and Live are how many credentials [Database.Filled] inserts.
const (
	Ended = 200_000 // of ada, half of them rotated
	Live  = 15_000  // of eve
)

// Filled returns a Store in which ada has Ended ended credentials and three live ones,
// and eve has Live live ones.
func (d *Database) Filled(t testing.TB) *sqlstore.Store {
	t.Helper()
	st := d.Store(t)
	fill := `INSERT INTO keystile_credentials SELECT printf('%s-%08d', 'WHO', i), 'token', CAST(printf('%s%029d', 'WHO', i) AS BLOB), 'WHO', '', '', '["*"]',
		'family-' || (i/3), '', '', '', 1700000000000000 + i, CASE WHEN 'WHO' = 'ada' THEN 1700000001000000 + i END, CASE WHEN 'WHO' = 'ada' AND i % 2 = 0 THEN 1700000000000001 + i END,
		CASE WHEN 'WHO' = 'ada' AND i % 5 = 0 THEN 1700000000000001 + i END, NULL, '', x'' FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < MANY) SELECT i FROM n)`
	analyze := `ANALYZE`
	if d.pg() {
		fill = `INSERT INTO keystile_credentials SELECT 'WHO-' || lpad(i::text, 8, '0'), 'token', convert_to('WHO' || lpad(i::text, 29, '0'), 'UTF8'), 'WHO', '', '', '["*"]',
			'family-' || (i/3), '', '', '', at, CASE WHEN 'WHO' = 'ada' THEN at + interval '1 second' END, CASE WHEN 'WHO' = 'ada' AND i % 2 = 0 THEN at END,
			CASE WHEN 'WHO' = 'ada' AND i % 5 = 0 THEN at END, NULL, '', '' FROM (SELECT i, to_timestamp(1700000000) + i * interval '1 microsecond' AS at FROM generate_series(1, MANY) i) s`
		analyze = `VACUUM ANALYZE keystile_credentials`
	}
	for who, many := range map[string]int{"ada": Ended, "eve": Live} {
		Exec(t, d.DB, strings.NewReplacer("WHO", who, "MANY", fmt.Sprint(many)).Replace(fill))
	}
	Exec(t, d.DB, analyze)
	for i := range 3 {
		c := Credential(fmt.Sprint("live ", i))
		c.ExpiresAt = time.Now().AddDate(1, 0, 0)
		Insert(t, st, c)
	}
	return st
}

// A Call is a call whose work must not depend on how many credentials have ended.
type Call struct {
	Name string
	Rows int // how many rows it may read
	Do   func(ctx context.Context) error
}

// Bounded returns calls on the Store of [Database.Filled], to be made in this order.
func Bounded(st *sqlstore.Store) []Call {
	now := time.Now()
	fresh := func(id string) *store.Credential {
		c := Credential(id)
		c.CreatedAt, c.ExpiresAt = now, now.AddDate(1, 0, 0)
		return c
	}
	var d store.Digest
	copy(d[:], fmt.Sprintf("ada%029d", 7))
	list := func(q store.Query) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, _, err := st.List(ctx, q); return err }
	}
	revoke := func(want int, f store.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			changed, err := st.Revoke(ctx, f, now)
			if err == nil && len(changed) != want {
				err = fmt.Errorf("%d were revoked, want %d", len(changed), want)
			}
			return err
		}
	}
	insert := func(id string, l store.Limits) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := st.Insert(ctx, fresh(id), l); return err }
	}
	var uses []store.Use
	for i := range 1000 {
		uses = append(uses, store.Use{ID: fmt.Sprintf("ada-%08d", i+1), At: now})
	}
	page, active := Tokens, Tokens
	page.Limit, page.After = 10, store.NewCursor(&store.Credential{ID: "x", CreatedAt: time.UnixMicro(1700000000000500)})
	active.Active = true
	return []Call{
		{"Find", 1, func(ctx context.Context) error { _, err := st.Find(ctx, store.KindToken, d); return err }},
		{"Get", 1, func(ctx context.Context) error { _, err := st.Get(ctx, "ada-00000007"); return err }},
		{"List", 11, list(page)},
		{"List active", 3, list(active)},
		{"Insert", 3, insert("new", store.Limits{Active: 100, Recent: 100, Since: now.Add(-time.Hour)})},
		{"Insert in place of the oldest", 10, insert("newer", store.Limits{Active: 4, EndOldest: true})},
		{"Update", 3, func(ctx context.Context) error {
			_, err := st.Update(ctx, "new", store.Changes{Name: new(string)})
			return err
		}},
		{"Rotate", 10, func(ctx context.Context) error {
			return st.Rotate(ctx, "new", now.Add(time.Hour), fresh("next"), store.Limits{Recent: 100, Since: now.Add(-time.Hour)})
		}},
		{"Touch", 3000, func(ctx context.Context) error { return st.Touch(ctx, uses) }},
		{"Revoke one", 5, revoke(1, store.Filter{ID: "newer", Subject: "ada"})},
		{"Revoke a family", 20, revoke(1, store.Filter{Subject: "ada", Family: "next"})},
		{"Revoke a client", 20, revoke(0, store.Filter{Subject: "ada", ClientID: "client"})},
		{"Revoke all", 40, revoke(3, store.Filter{Subject: "ada"})},
		{"Prune nothing", 10, func(ctx context.Context) error {
			_, err := st.Prune(ctx, store.PruneBefore{Ended: time.UnixMicro(1), Rotated: time.UnixMicro(1)})
			return err
		}},
		{"Revoke many", 10 * Live, // each step reads all remaining rows
			revoke(Live, store.Filter{Subject: "eve"})},
	}
}

// ManyLive tests that each call ends within its timeout if an account has 200 000
// ended credentials, and so does each step of a call on 15 000 live ones. R11 B9
func (e Engine) ManyLive(t *testing.T) {
	t.Helper()
	d := e.Database(t)
	d.Filled(t)
	st, err := d.New(sqlstore.Config{DB: d.DB, Dialect: d.Dialect}) // with the timeout of two seconds
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range Bounded(st) {
		start := time.Now()
		if err := call.Do(t.Context()); err != nil {
			t.Errorf("%s: %v", call.Name, err)
		}
		t.Logf("%s: %v", call.Name, time.Since(start))
	}
	start := time.Now()
	n, err := st.Prune(t.Context(), store.PruneBefore{Ended: Epoch})
	if err != nil || n != Ended/2 {
		t.Errorf("Prune of those that ended: %d, %v, want %d", n, err, Ended/2)
	}
	t.Logf("Prune: %v", time.Since(start))
	start = time.Now()
	if n, err := st.Erase(t.Context(), "ada"); err != nil || n != Ended/2+6 {
		t.Errorf("Erase: %d, %v, want %d", n, err, Ended/2+6)
	}
	t.Logf("Erase: %v", time.Since(start))
}
