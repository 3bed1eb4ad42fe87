package postgres_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// A counted connection counts round trips, which are writes that are followed by a
// read.
type counted struct {
	net.Conn
	trips *atomic.Int64
	wrote atomic.Bool
}

func (c *counted) Write(b []byte) (int, error) {
	c.wrote.Store(true)
	return c.Conn.Write(b)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.wrote.Swap(false) {
		c.trips.Add(1)
	}
	return n, err
}

// S10: after the connection has prepared the statements, Find and a batch of uses
// take one round trip, and other calls at most two.
func TestRoundTrips(t *testing.T) {
	var trips atomic.Int64
	cfg, err := pgx.ParseConfig(empty(t))
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &counted{Conn: conn, trips: &trips}, err
	}
	// The driver pings a connection that was idle for a second. Prevent that here.
	db := stdlib.OpenDB(*cfg, stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }))
	defer db.Close()
	db.SetMaxOpenConns(1)
	st, err := postgres.New(sqlstore.Config{DB: db, Timeout: 20 * time.Second})
	if err == nil {
		err = st.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	limits := store.Limits{Active: 10, EndOldest: true, Recent: 1000}
	var uses []store.Use
	for i := range 1000 {
		uses = append(uses, store.Use{ID: fmt.Sprint("a", i), At: epoch})
	}
	for i := range 3 {
		a, b := credential(fmt.Sprint("a", i)), credential(fmt.Sprint("b", i))
		for _, call := range []struct {
			name string
			most int64
			do   func() error
		}{
			{"Insert", 2, func() error { _, err := st.Insert(ctx, a, limits); return err }},
			{"Find", 1, func() error { _, err := st.Find(ctx, a.Kind, a.Digest); return err }},
			{"Get", 1, func() error { _, err := st.Get(ctx, a.ID); return err }},
			{"List", 1, func() error { _, _, err := st.List(ctx, store.Query{Subject: "ada", Kind: "token"}); return err }},
			{"Touch", 1, func() error { return st.Touch(ctx, uses) }},
			{"Update", 2, func() error { _, err := st.Update(ctx, a.ID, store.Changes{Name: &a.ID}); return err }},
			{"Rotate", 2, func() error { return st.Rotate(ctx, a.ID, epoch.Add(time.Hour), b, limits) }},
			{"Revoke one", 2, func() error { _, err := st.Revoke(ctx, store.Filter{ID: b.ID}, epoch); return err }},
			{"Revoke", 2, func() error { _, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, epoch); return err }},
		} {
			trips.Store(0)
			if err := call.do(); err != nil {
				t.Fatalf("%s: %v", call.name, err)
			}
			if n := trips.Load(); i > 0 && (n == 0 || n > call.most) {
				t.Errorf("%s: %d round trips, want at most %d", call.name, n, call.most)
			} else if i == 2 {
				t.Logf("%s: %d", call.name, n)
			}
		}
	}
}
