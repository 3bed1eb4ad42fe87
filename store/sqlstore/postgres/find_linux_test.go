package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// created returns a store on db with tables and one credential.
func created(t testing.TB, db *sql.DB, timeout time.Duration) (*postgres.Store, *store.Credential) {
	t.Helper()
	st, err := postgres.New(sqlstore.Config{DB: db, Timeout: timeout})
	if err == nil {
		err = st.Migrate(t.Context())
	}
	c := credential("there")
	if err == nil {
		_, err = st.Insert(t.Context(), c, store.Limits{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return st, c
}

// T7: Find returns the same as sqlstore.Store.Find, and rejects the same rows.
func TestFindAlike(t *testing.T) {
	db := pool(t, empty(t))
	st, c := created(t, db, 20*time.Second)
	now := time.Now().UTC().Truncate(time.Microsecond)
	full := credential("full")
	full.Name, full.Hint, full.ClientID, full.Actor, full.Data = "naïve \"名\"", "pat_…", "client", "grace", []byte("\x00\xff{}")
	full.LastUsedAddr = netip.MustParseAddr("192.0.2.1")
	full.Scopes = []string{"read", "write:\"x\""}
	full.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	full.ExpiresAt, full.RotatedAt, full.RevokedAt, full.LastUsedAt = now.Add(time.Hour), now, now.Add(time.Second), now.Add(time.Minute)
	insert(t, st, full)
	alike := func(what string, k store.Kind, d store.Digest) (found bool) {
		got, err := st.Find(t.Context(), k, d)
		want, wantErr := st.Store.Find(t.Context(), k, d)
		if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) || (err == store.ErrNotFound) != (wantErr == store.ErrNotFound) {
			t.Errorf("%s: %+v, %v, want %+v, %v", what, got, err, want, wantErr)
		}
		return err == nil
	}
	if !alike("full", full.Kind, full.Digest) {
		t.Error("full: not found")
	}
	for set, believed := range map[string]bool{
		`name = 'other'`: true, `data = ''`: true, `data = '\x00'`: true, `scopes = '[]'`: true, `scopes = '["a","b"]'`: true,
		`networks = '10.0.0.0/8'`: true, `expires_at = NULL`: true, `created_at = '1969-12-31 23:59:59.999999+00'`: true,
		`expires_at = '9999-12-31 23:59:59.999999+14'`: true,
		`scopes = 'null'`: false, `scopes = ''`: false, `scopes = '["*"'`: false, `networks = 'x'`: false,
		`networks = ' '`: false, `created_at = 'infinity'`: false, `expires_at = '-infinity'`: false,
		`revoked_at = '0001-01-01 00:00:00+00'`: false,
	} {
		exec(t, db, `UPDATE keystile_credentials SET `+set+` WHERE id = 'there'`)
		if found := alike(set, c.Kind, c.Digest); found != believed {
			t.Errorf("%s: found: %t, want %t", set, found, believed)
		}
		exec(t, db, `DELETE FROM keystile_credentials WHERE id = 'there'`)
		insert(t, st, c)
	}
	for _, k := range []store.Kind{store.KindSecret, "", "token\x00", "\xff"} {
		if alike("another kind", k, c.Digest) {
			t.Errorf("found as %q", k)
		}
	}
	if alike("another digest", c.Kind, store.Digest{1}) {
		t.Error("found what is not there")
	}
}

// B4: a delayed Find returns an outage in time, and leaves no connection behind.
func TestFindTimeout(t *testing.T) {
	const timeout = 200 * time.Millisecond
	dsn := empty(t)
	_, c := created(t, pool(t, dsn), 20*time.Second)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		down func(db *sql.DB)
		want error
	}{
		"cancelled": {ended, func(*sql.DB) {}, context.Canceled},
		"locked": {t.Context(), func(*sql.DB) {
			tx, err := pool(t, dsn).Begin()
			if err == nil {
				_, err = tx.Exec(`LOCK TABLE keystile_credentials IN ACCESS EXCLUSIVE MODE`)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { tx.Rollback() })
		}, context.DeadlineExceeded},
		"no connection left": {t.Context(), func(db *sql.DB) {
			db.SetMaxOpenConns(1)
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
		}, context.DeadlineExceeded},
	} {
		db := pool(t, dsn)
		st, err := postgres.New(sqlstore.Config{DB: db, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		tt.down(db)
		before := db.Stats().InUse
		start := time.Now()
		_, err = st.Find(tt.ctx, c.Kind, c.Digest)
		if took := time.Since(start); took > timeout+within || !errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), "postgres: find: ") {
			t.Errorf("%s: %v after %v, want %v", name, err, took, tt.want)
		}
		if now := db.Stats().InUse; now != before {
			t.Errorf("%s: %d connections in use, want %d", name, now, before)
		}
	}
}

// C6 S14: no call fails because idle connections were lost.
func TestLostConnections(t *testing.T) {
	db := pool(t, empty(t))
	st, c := created(t, db, 20*time.Second)
	var conns []*sql.Conn
	for range 5 {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		err := conn.Raw(func(dc any) error { return dc.(*stdlib.Conn).Conn().PgConn().Conn().Close() })
		if err = errors.Join(err, conn.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		_, find := st.Find(t.Context(), c.Kind, c.Digest)
		_, insert := st.Insert(t.Context(), credential(fmt.Sprint(i)), store.Limits{Active: 100})
		if err := errors.Join(find, insert); err != nil {
			t.Error(err)
		}
	}
}

// A wrapper wraps connections of pgx, like drivers for telemetry.
type wrapper struct {
	driver.Connector
	connected func()
}

type wrapped struct{ *stdlib.Conn }

func (w wrapper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	w.connected()
	return &wrapped{conn.(*stdlib.Conn)}, nil
}

// If the driver is wrapped, calls go through database/sql.
func TestFindWrappedDriver(t *testing.T) {
	cfg, err := pgx.ParseConfig(empty(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	connected := func() {}
	db := sql.OpenDB(wrapper{stdlib.GetConnector(*cfg), func() { connected() }})
	defer db.Close()
	st, c := created(t, db, 20*time.Second)
	got, err := st.Find(t.Context(), c.Kind, c.Digest)
	if err != nil || got.ID != c.ID {
		t.Errorf("Find: %+v, %v", got, err)
	}
	if _, err := st.Find(t.Context(), c.Kind, store.Digest{1}); err != store.ErrNotFound {
		t.Errorf("Find of an unknown one: %v, want %v", err, store.ErrNotFound)
	}
	db.SetMaxIdleConns(0)
	connected = cancel // cancels between connecting and the query
	if _, err := st.Find(ctx, c.Kind, c.Digest); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want %v", err, context.Canceled)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections in use", n)
	}
}

// B4: an error of a hook that runs on connecting is an outage, even if it is the
// driver's error for a missing row.
func TestFindConnectFails(t *testing.T) {
	dsn := empty(t)
	_, c := created(t, pool(t, dsn), 20*time.Second)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(context.Context, *pgx.Conn) error { return pgx.ErrNoRows }))
	defer db.Close()
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	_, find := st.Find(t.Context(), c.Kind, c.Digest)
	_, slow := st.Store.Find(t.Context(), c.Kind, c.Digest)
	_, get := st.Get(t.Context(), c.ID)
	for name, err := range map[string]error{"Find": find, "sqlstore.Store.Find": slow, "Get": get} {
		if !errors.Is(err, pgx.ErrNoRows) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want an outage", name, err)
		}
	}
}

// B11 (E5): when a client hangs up during a lookup, the store keeps the connection.
func TestCanceledCostsNoConnection_B11(t *testing.T) {
	dsn := empty(t)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(context.Context, *pgx.Conn) error {
		connections.Add(1)
		return nil
	}))
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	st, c := created(t, db, 20*time.Second)
	observer := pool(t, dsn)
	lock, err := pool(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, q := range []string{`BEGIN`, `LOCK TABLE keystile_credentials IN ACCESS EXCLUSIVE MODE`} { // so that lookups wait
		if _, err := lock.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	const lookups = 20
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	defer cancel()
	done := make(chan error, lookups)
	for range lookups {
		go func() { _, err := st.Find(ctx, c.Kind, c.Digest); done <- err }()
	}
	service.Until(t, "lookups that wait for the lock", 5*time.Second, func() bool {
		return count(t, observer, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 4
	})
	before := connections.Load()
	cancel()
	if _, err := lock.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	found := 0
	for range lookups {
		switch err := <-done; {
		case err == nil:
			found++
		case !errors.Is(err, context.Canceled):
			t.Errorf("Find: %v", err)
		}
	}
	if found != 4 {
		t.Errorf("%d lookups went on, want the 4 that had been sent", found)
	}
	if _, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil {
		t.Error(err)
	}
	if n := connections.Load() - before; n != 0 {
		t.Errorf("%d connections were replaced, want none", n)
	}
}

// B10: if the server refuses connections, calls return an outage at once.
func TestRefusedAtOnce_B10(t *testing.T) {
	server := services.StartPostgres(t)
	st := open(t, server.DSN("postgres"))
	c := credential("c")
	insert(t, st, c)
	server.Kill()
	st.Find(t.Context(), c.Kind, c.Digest) // notices that its connections are closed
	soonest := time.Hour
	for range 20 {
		start := time.Now()
		if _, err := st.Find(t.Context(), c.Kind, c.Digest); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Find: %v, want an outage", err)
		}
		soonest = min(soonest, time.Since(start))
	}
	if soonest > 50*time.Millisecond {
		t.Errorf("answered after %v at best, want 50 ms", soonest)
	}
}
