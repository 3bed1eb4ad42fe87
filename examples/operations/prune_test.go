package operations_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// A host's scheduler prunes once an hour what ended more than 30 days ago: the
// reuse of a rotated token is noticed until then, and the store stops growing.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := store.NewMemory(), new(log)
		n := newNode(t, config{store: st, observe: l.observe})
		ctx, stop := context.WithCancel(t.Context())
		go operations.Prune(ctx, st, time.Hour, operations.Keep{Rotated: 30 * 24 * time.Hour, Ended: 24 * time.Hour})

		old, c := n.issue(t)
		plain, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		kept := func(want int) {
			t.Helper()
			if list, err := n.tokens.List(t.Context(), "ada"); err != nil || len(list) != want {
				t.Errorf("%d tokens, %v, want %d", len(list), err, want)
			}
		}
		reused := func(want bool) {
			t.Helper()
			before := len(l.since(0))
			wants(t, "the old one", http.StatusUnauthorized, old, n)
			got := false
			for _, ev := range l.since(before) {
				got = got || ev.Type == auth.Reused
			}
			if got != want {
				t.Errorf("noticed as a reuse: %v, want %v", got, want)
			}
		}
		time.Sleep(30*24*time.Hour - time.Minute)
		reused(true)
		wants(t, "the new one", http.StatusOK, plain.Reveal(), n)
		kept(2)
		time.Sleep(2 * time.Hour) // 30 days since the old one ended, and the next round
		reused(false)
		kept(1)
		time.Sleep(30 * 24 * time.Hour)
		kept(0)
		stop()
		synctest.Wait()
	})
}

// down is a store whose Prune fails the first time.
type down struct {
	store.Store
	calls atomic.Int64
}

func (d *down) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	if d.calls.Add(1) == 1 {
		return 0, errors.New("down")
	}
	return d.Store.Prune(ctx, before)
}

// An outage costs one round.
func TestPruneOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &down{Store: store.NewMemory()}
		n := newNode(t, config{store: st})
		_, c := n.issue(t)
		if err := n.tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go operations.Prune(ctx, st, time.Hour, operations.Keep{})
		time.Sleep(time.Hour + time.Second)
		if _, err := st.Get(t.Context(), c.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after the second round: %v", err)
		}
	})
}

// Several nodes that prune one file at once do each other no harm.
func TestPruneOnEveryNode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	var stores []store.Store
	for range 3 {
		st, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		stores = append(stores, st)
	}
	n := newNode(t, config{store: stores[0]})
	for range 100 {
		n.issue(t)
	}
	token, _ := n.issue(t)
	if _, err := n.tokens.RevokeAll(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	type result struct {
		n   int
		err error
	}
	results := make(chan result)
	for _, st := range stores {
		go func() {
			n, err := st.Prune(t.Context(), store.PruneBefore{Ended: time.Now().Add(time.Second)})
			results <- result{n, err}
		}()
	}
	sum := 0
	for range stores {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		sum += r.n
	}
	if sum != 101 {
		t.Errorf("%d pruned, want 101", sum)
	}
	wants(t, "pruned", http.StatusUnauthorized, token, n)
}
