//go:build !race

package cache_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A million random tokens take at most 64 MiB and evict no valid one. The test is
// left out under the race detector, which needs more memory and a minute. B5
func TestFlood(t *testing.T) {
	m := &machine{Memory: store.NewMemory()}
	began := make(chan struct{})
	c := newCache(t, cache.Config{Store: script{m, func(ctx context.Context, alive func(), _ func(store.Digest)) error {
		alive()
		close(began)
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
				alive()
			}
		}
	}}})
	<-began
	ctx := t.Context()
	find := func(d store.Digest) string { return state(c.Find(ctx, store.KindToken, d)) }
	good := []string{"a", "b", "c", "d", "e"}
	for _, id := range good {
		if _, err := m.Memory.Insert(ctx, token(id), store.Limits{}); err != nil {
			t.Fatal(err)
		}
		find(token(id).Digest)
	}
	before := heap()
	var d store.Digest
	const n = 1_000_000
	for range n {
		for i := 0; i < len(d); i += 8 {
			binary.LittleEndian.PutUint64(d[i:], rand.Uint64())
		}
		if got := find(d); got != "unknown" {
			t.Fatal(got)
		}
	}
	grown := heap() - before
	t.Logf("%d bytes more", grown)
	if grown > 64<<20 {
		t.Errorf("%d bytes more, want at most 64 MiB", grown)
	}
	asked := m.finds.Load()
	if find(d) != "unknown" || m.finds.Load() != asked {
		t.Error("the last one is not kept: the test is of no use")
	}
	for _, id := range good {
		if got := find(token(id).Digest); got != "good" {
			t.Errorf("%s: %s", id, got)
		}
	}
	if m.finds.Load() != asked {
		t.Error("some of the good ones were evicted")
	}
}

// heap returns the size of the heap in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
