package redisstore_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// R1: changes by one process are reported to another, once for each credential.
// Nothing else is reported.
func TestWatchReportsChanges(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *services.Redis{
		"single":  func(t *testing.T) *services.Redis { return services.StartRedis(t) },
		"cluster": func(t *testing.T) *services.Redis { return startClusterOf(t, 2)[1] },
	} {
		t.Run(name, func(t *testing.T) {
			url := "redis://" + start(t).Addr()
			one, two := openURL(t, url, redisstore.Config{}), openURL(t, url, redisstore.Config{})
			other := openURL(t, url, redisstore.Config{Prefix: "other"})
			w := watch(t, two)
			ctx := t.Context()
			do := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			stored(t, other)
			c := stored(t, one)
			w.want(t, "Insert", c.Digest)
			name := "new"
			_, err := one.Update(ctx, c.ID, store.Changes{Name: &name})
			do(err)
			w.want(t, "Update", c.Digest)
			do(one.Touch(ctx, []store.Use{{ID: c.ID, At: c.CreatedAt}}))
			next := credential("ada")
			do(one.Rotate(ctx, c.ID, c.ExpiresAt, next, store.Limits{}))
			w.want(t, "Rotate", c.Digest, next.Digest)
			for range 2 { // the second changes nothing
				_, err = one.Revoke(ctx, store.Filter{ID: c.ID}, c.CreatedAt)
				do(err)
			}
			w.want(t, "Revoke", c.Digest)
			_, err = one.Prune(ctx, store.PruneBefore{Rotated: c.CreatedAt.Add(time.Second)})
			do(err)
			last := stored(t, two)
			w.want(t, "Insert by the same process", last.Digest)
			n, err := one.Erase(ctx, "ada")
			if do(err); n != 2 {
				t.Errorf("Erase: %d, want 2", n)
			}
			w.want(t, "Erase", next.Digest, last.Digest)
			for before := w.next(t, w.alive); ; {
				at := w.next(t, w.alive)
				if gap := at.Sub(before); gap > 500*time.Millisecond {
					t.Errorf("alive after %v, want twice a second", gap)
				}
				if before = at; len(w.alive) == 0 {
					break
				}
			}
		})
	}
}
