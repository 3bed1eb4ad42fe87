// Package failover_test tests, with real servers, how long a process with a cache
// accepts a revoked credential while a replica takes over, or while notifications do
// not arrive.
package failover_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/redisstore"
)

// bound is how long a cache may accept a revoked credential, with some time for a busy
// machine. See the comment of package cache.
const bound = 2500*time.Millisecond + 300*time.Millisecond

// R12, R1: the store of a cache loses its primary, and a credential is revoked on the
// new primary. The cache accepts it for no longer than the bound, whether or not Watch
// was running, and calls WatchError.
func TestCache(t *testing.T) {
	for name, takeOver := range services.RedisTakeovers() {
		for _, reconnecting := range []bool{false, true} {
			if reconnecting && name != "demoted, link down" && name != "silent" {
				continue // without Watch the other cases are the same
			}
			t.Run(fmt.Sprintf("%s/reconnecting=%v", name, reconnecting), func(t *testing.T) {
				t.Parallel()
				f := services.StartRedisFailover(t)
				st := open(t, f.Name.Addr())
				var mu sync.Mutex
				var watchErrors []error
				failed := func() int { mu.Lock(); defer mu.Unlock(); return len(watchErrors) }
				c, err := cache.New(cache.Config{Store: st, MaxStale: time.Second, WatchError: func(err error) {
					mu.Lock()
					defer mu.Unlock()
					watchErrors = append(watchErrors, err)
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				issued := credential()
				if _, err := c.Insert(t.Context(), issued, store.Limits{}); err != nil {
					t.Fatal(err)
				}
				f.Old.AwaitReplica(f.New)
				if _, err := c.Find(t.Context(), issued.Kind, issued.Digest); err != nil {
					t.Fatal(err)
				}
				if reconnecting {
					if _, err := f.Old.Do("CLIENT", "KILL", "TYPE", "pubsub"); err != nil {
						t.Fatal(err)
					}
				}
				failedBefore := failed()
				var revoked time.Time
				takeOver(t, f, func() {
					if _, err := open(t, f.New.Addr()).Revoke(t.Context(), store.Filter{ID: issued.ID}, time.Now()); err != nil {
						t.Fatal(err)
					}
					revoked = time.Now()
				})
				wantBounded(t, c, issued, revoked)
				if failed() == failedBefore {
					t.Error("WatchError was not called")
				}
			})
		}
	}
}

// wantBounded looks c up in the cache until the bound after its revocation has passed.
// The test fails if c is not revoked in a later answer, or not found in any answer.
func wantBounded(t *testing.T, from *cache.Cache, c *store.Credential, revoked time.Time) {
	t.Helper()
	var accepted time.Duration
	for time.Since(revoked) < bound+100*time.Millisecond {
		asked := time.Since(revoked)
		got, err := from.Find(t.Context(), c.Kind, c.Digest)
		if err == nil && got.RevokedAt.IsZero() {
			accepted = asked
		}
		if errors.Is(err, store.ErrNotFound) {
			t.Fatal("an outage was reported as an answer")
		}
	}
	t.Logf("accepted for %v", accepted)
	if accepted > bound {
		t.Errorf("accepted for %v after the revocation, want at most %v", accepted, bound)
	}
}

func open(t *testing.T, addr string) *redisstore.Store {
	t.Helper()
	st, err := redisstore.Open(t.Context(), "redis://"+addr, redisstore.Config{Prefix: "service", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// credential returns a token that is valid for an hour.
func credential() *store.Credential {
	now := time.Now().UTC().Truncate(time.Microsecond)
	c := &store.Credential{ID: rand.Text(), Kind: store.KindToken, Subject: "ada", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	c.Family = c.ID
	rand.Read(c.Digest[:])
	return c
}
