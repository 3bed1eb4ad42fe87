package failover_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// R12, R1 (S8): the DSN of a process with a cache names a primary and a standby that
// lags. The primary becomes silent, and another process revokes a credential. The
// cache accepts it for no longer than the bound, whether or not Watch was running.
// After the standby was promoted, the process uses it, although the first host in the
// DSN stays silent.
func TestSilentPrimary_R12(t *testing.T) {
	for _, reconnecting := range []bool{false, true} {
		t.Run(fmt.Sprintf("reconnecting=%v", reconnecting), func(t *testing.T) {
			t.Parallel()
			primary := services.StartPostgres(t)
			elsewhere := openPostgres(t, primary.DSN("postgres"))
			standby := primary.StartStandby(t)
			proxy := services.StartProxy(t, address(primary))
			dsn := "postgres://postgres@" + proxy.Addr() + "," + address(standby) + "/postgres?sslmode=disable&application_name=node"
			var failures atomic.Int64
			c, err := cache.New(cache.Config{Store: openPostgres(t, dsn), MaxStale: time.Second, WatchError: func(error) { failures.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			issued := credential()
			if _, err := elsewhere.Insert(t.Context(), issued, store.Limits{}); err != nil {
				t.Fatal(err)
			}
			standby.AwaitReplay(primary)
			standby.PauseReplay()
			if _, err := c.Find(t.Context(), issued.Kind, issued.Digest); err != nil {
				t.Fatal(err)
			}
			if reconnecting {
				primary.Query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'node'`)
			}
			failed := failures.Load()
			proxy.Pause()
			if _, err := elsewhere.Revoke(t.Context(), store.Filter{ID: issued.ID}, time.Now()); err != nil {
				t.Fatal(err)
			}
			revoked := time.Now()
			wantBounded(t, c, issued, revoked)
			if failures.Load() == failed {
				t.Error("WatchError was not called")
			}

			standby.AwaitReceipt(primary)
			primary.Kill()
			standby.Promote()
			for end := time.Now().Add(20 * time.Second); ; {
				got, err := c.Find(t.Context(), issued.Kind, issued.Digest)
				if err == nil && !got.RevokedAt.IsZero() {
					break
				}
				if err == nil || errors.Is(err, store.ErrNotFound) || time.Now().After(end) {
					t.Fatalf("at the new primary: %+v, %v, want it revoked", got, err)
				}
			}
		})
	}
}
