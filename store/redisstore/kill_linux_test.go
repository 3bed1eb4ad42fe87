package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// A write is a step of a worker. made checks the store if the step happened, and none
// if it did not.
type write struct {
	err        error // nil: the write was acknowledged
	made, none func(store.Store) error
}

// After SIGKILL every acknowledged write is there. Each other write happened
// completely or not at all.
func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := connect(t, server)
	st := open(t, client)
	for round := range 5 {
		var writes [8][]write
		var acknowledged atomic.Int64
		var workers sync.WaitGroup
		for i := range writes {
			workers.Go(func() {
				for writes[i] == nil || writes[i][len(writes[i])-1].err == nil {
					w := step(t.Context(), st, fmt.Sprint("account", round, i))
					writes[i] = append(writes[i], w...)
					acknowledged.Add(int64(len(w)))
				}
			})
		}
		enough := 50 + rand.Int64N(200)
		eventually(t, 10*time.Second, "writes are acknowledged", func() bool { return acknowledged.Load() > enough })
		server.Kill()
		workers.Wait()
		server.Start()
		eventually(t, 2*time.Second, "the store answers again", func() bool {
			_, err := st.Get(t.Context(), "unknown")
			return errors.Is(err, store.ErrNotFound)
		})
		for _, w := range writes {
			for _, w := range w {
				made, none := w.made(st), w.none(st)
				if w.err == nil && made != nil {
					t.Errorf("round %d: acknowledged and lost: %v", round, made)
				} else if made != nil && none != nil {
					t.Errorf("round %d: done by half: %v, %v", round, made, none)
				}
			}
		}
	}
}

// step issues a credential, rotates it and revokes the successor. It stops at the
// first error.
func step(ctx context.Context, st store.Store, subject string) []write {
	old, next := credential(subject), credential(subject)
	next.Family = old.Family
	at := next.CreatedAt.Add(time.Second)
	_, err := st.Insert(ctx, old, store.Limits{})
	writes := []write{{
		err,
		func(st store.Store) error { return expect(st, old, true, "Insert") },
		func(st store.Store) error { return expect(st, old, false, "Insert") },
	}}
	if writes[0].err != nil {
		return writes
	}
	writes = append(writes, write{
		st.Rotate(ctx, old.ID, at, next, store.Limits{}),
		func(st store.Store) error {
			c, err := st.Get(ctx, old.ID)
			if err == nil && !c.RotatedAt.Equal(next.CreatedAt) {
				err = errors.New("Rotate: the old one is as it was")
			}
			return errors.Join(err, expect(st, next, true, "Rotate"))
		},
		func(st store.Store) error {
			c, err := st.Get(ctx, old.ID)
			if err == nil && !c.RotatedAt.IsZero() {
				err = errors.New("Rotate: the old one is rotated")
			}
			return errors.Join(err, expect(st, next, false, "Rotate"))
		},
	})
	if writes[1].err != nil {
		return writes
	}
	_, err = st.Revoke(ctx, store.Filter{Subject: subject, Family: old.Family}, at)
	revoked := func(want bool) func(store.Store) error {
		return func(st store.Store) error {
			for _, c := range []*store.Credential{old, next} {
				c, err := st.Find(ctx, c.Kind, c.Digest)
				if err != nil || c.RevokedAt.IsZero() == want {
					return fmt.Errorf("Revoke: revoked is not %v: %w", want, err)
				}
			}
			return nil
		}
	}
	return append(writes, write{err, revoked(true), revoked(false)})
}

// expect checks that every way to look c up finds it, or none.
func expect(st store.Store, c *store.Credential, there bool, after string) error {
	_, err1 := st.Find(context.Background(), c.Kind, c.Digest)
	_, err2 := st.Get(context.Background(), c.ID)
	list, _, err3 := st.List(context.Background(), store.Query{Kind: c.Kind, Subject: c.Subject, Limit: 1000})
	listed := false
	for _, l := range list {
		listed = listed || l.ID == c.ID
	}
	if (err1 == nil) != there || (err2 == nil) != there || err3 != nil || listed != there {
		return fmt.Errorf("%s: want there %v: Find %v, Get %v, List %v (listed %v)", after, there, err1, err2, err3, listed)
	}
	return nil
}
