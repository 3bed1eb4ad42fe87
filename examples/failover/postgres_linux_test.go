package failover_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// R12, R1: the same bound with PostgreSQL, for a pooler that drops notifications, a
// standby that lags, a silent primary, and a Watch that has just lost its connection.
func TestCacheOnPostgres(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dsn     func(primary, standby *services.Postgres) string
		revoked func(t *testing.T, primary, standby *services.Postgres, revoke func(at *services.Postgres))
		cause   string // the cause that WatchError names; "": Watch continues
	}{
		{
			name: "healthy",
			dsn:  func(primary, _ *services.Postgres) string { return primary.DSN("postgres") },
			revoked: func(_ *testing.T, primary, _ *services.Postgres, revoke func(*services.Postgres)) {
				revoke(primary)
			},
		},
		{
			name: "PgBouncer that pools transactions",
			dsn: func(primary, _ *services.Postgres) string {
				return primary.StartPgBouncer(t).DSN("postgres") + "&default_query_exec_mode=exec"
			},
			revoked: func(_ *testing.T, primary, _ *services.Postgres, revoke func(*services.Postgres)) {
				revoke(primary)
			},
			cause: "pooler",
		},
		{
			name: "the primary killed, the standby behind",
			dsn:  both,
			revoked: func(_ *testing.T, primary, standby *services.Postgres, revoke func(*services.Postgres)) {
				standby.PauseReplay()
				revoke(primary)
				primary.Kill()
			},
			cause: "watch",
		},
		{
			name: "the primary silent, the standby promoted",
			dsn:  func(primary, _ *services.Postgres) string { return primary.DSN("postgres") },
			revoked: func(t *testing.T, primary, standby *services.Postgres, revoke func(*services.Postgres)) {
				standby.AwaitReplay(primary)
				primary.Pause()
				t.Cleanup(primary.Resume)
				standby.Promote()
				revoke(standby)
			},
			cause: "watch",
		},
		{
			name: "reconnecting",
			dsn:  func(primary, _ *services.Postgres) string { return primary.DSN("postgres") },
			revoked: func(_ *testing.T, primary, _ *services.Postgres, revoke func(*services.Postgres)) {
				primary.Query(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
				revoke(primary)
			},
			cause: "watch",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			primary := services.StartPostgres(t)
			direct := openPostgres(t, primary.DSN("postgres")) // creates the tables
			standby := primary.StartStandby(t)
			var mu sync.Mutex
			var causes []string
			c, err := cache.New(cache.Config{Store: openPostgres(t, tt.dsn(primary, standby)), MaxStale: time.Second, WatchError: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				causes = append(causes, err.Error())
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			issued := credential()
			if _, err := direct.Insert(t.Context(), issued, store.Limits{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Find(t.Context(), issued.Kind, issued.Digest); err != nil {
				t.Fatal(err)
			}
			var revoked time.Time
			tt.revoked(t, primary, standby, func(at *services.Postgres) {
				if _, err := openPostgres(t, at.DSN("postgres")).Revoke(t.Context(), store.Filter{ID: issued.ID}, time.Now()); err != nil {
					t.Fatal(err)
				}
				revoked = time.Now()
			})
			wantBounded(t, c, issued, revoked)
			mu.Lock()
			defer mu.Unlock()
			if all := strings.Join(causes, "\n"); tt.cause != "" && !strings.Contains(all, tt.cause) {
				t.Errorf("WatchError was called with %q, want %q named", all, tt.cause)
			}
		})
	}
}

// both returns a DSN with both servers.
func both(primary, standby *services.Postgres) string {
	return "postgres://postgres@" + address(primary) + "," + address(standby) + "/postgres?sslmode=disable"
}

// address returns the host and port of a server.
func address(p *services.Postgres) string {
	dsn := p.DSN("postgres")
	return dsn[strings.Index(dsn, "@")+1 : strings.LastIndex(dsn, "/")]
}

func openPostgres(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}
