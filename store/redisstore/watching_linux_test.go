package redisstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// outage checks that err is an outage, and not an answer.
func outage(tb testing.TB, call string, err error) {
	tb.Helper()
	if err == nil {
		tb.Errorf("%s: no error, want an outage", call)
	}
	for _, answer := range []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict} {
		if errors.Is(err, answer) {
			tb.Errorf("%s: %v, want an outage", call, err)
		}
	}
}

// A watching is a Watch in progress.
type watching struct {
	alive   chan time.Time
	changed chan store.Digest
	ended   chan error
	stop    context.CancelFunc
}

// watch calls Watch and returns when alive was called.
func watch(t *testing.T, st *redisstore.Store) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	w := &watching{make(chan time.Time, 1000), make(chan store.Digest, 1000), make(chan error, 1), stop}
	go func() {
		w.ended <- st.Watch(ctx, func() { w.alive <- time.Now() }, func(d store.Digest) { w.changed <- d })
	}()
	w.next(t, w.alive)
	return w
}

func (w *watching) next(t *testing.T, alive <-chan time.Time) time.Time {
	t.Helper()
	select {
	case at := <-alive:
		return at
	case err := <-w.ended:
		t.Fatalf("Watch ended: %v", err)
	case <-time.After(5 * time.Second):
		t.Fatal("Watch is not alive")
	}
	panic("unreachable")
}

// want waits until these digests are reported, in any order. Each may be reported
// more than once.
func (w *watching) want(t *testing.T, by string, digests ...store.Digest) {
	t.Helper()
	missing := map[store.Digest]bool{}
	for _, d := range digests {
		missing[d] = true
	}
	for len(missing) > 0 {
		select {
		case d := <-w.changed:
			if delete(missing, d); !slices.Contains(digests, d) {
				t.Errorf("%s: another credential was reported", by)
			}
		case err := <-w.ended:
			t.Fatalf("%s: Watch ended: %v", by, err)
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: not reported", by)
		}
	}
}
