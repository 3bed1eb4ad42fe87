package cache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// The error names every mistake. B8
func TestNewErrors(t *testing.T) {
	_, err := cache.New(cache.Config{Entries: -1, MaxStale: 10*time.Minute + 1})
	want := `cache: Config.Store: nil: must be set, to the store that is to be asked less often
cache: Config.Entries: -1: must be from 1 to 10000000, or 0 for the default
cache: Config.MaxStale: 10m0.000000001s: must be at most 10m0s`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if _, err := cache.New(cache.Config{Store: store.NewMemory(), Entries: 10_000_001}); err == nil {
		t.Error("too many Entries: no error")
	}
}

// The cache never keeps many more answers than Entries. B5
func TestEntries(t *testing.T) {
	m := &machine{Memory: store.NewMemory()}
	c := newCache(t, cache.Config{Store: m, Entries: 10, MaxStale: time.Minute})
	for i := range 1000 {
		id := string(rune('A' + i))
		if _, err := m.Memory.Insert(t.Context(), token(id), store.Limits{}); err != nil {
			t.Fatal(err)
		}
		c.Find(t.Context(), store.KindToken, token(id).Digest)
	}
	before := m.finds.Load()
	for i := range 1000 {
		c.Find(t.Context(), store.KindToken, token(string(rune('A'+i))).Digest)
	}
	if asked := m.finds.Load() - before; asked < 900 {
		t.Errorf("of 1000, %d were kept", 1000-asked)
	}
}

// Close leaves no goroutine behind, which the synctest bubble checks. It may be
// called twice, also concurrently. After Close every lookup asks the store. B6
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{WatchError: func(err error) { t.Errorf("told of %v", err) }})
		p.insert("a")
		p.is("a", "good")
		p.is("b", "unknown")
		var done sync.WaitGroup
		for range 3 {
			done.Go(func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
				p.line.mu.Lock()
				defer p.line.mu.Unlock()
				if p.line.open {
					t.Error("still watched")
				}
			})
		}
		done.Wait()
		p.must(p.Close())
		p.asked(4, func() { p.is("a", "good"); p.is("a", "good"); p.is("b", "unknown"); p.is("b", "unknown") })
		p.revoke(p.there, "a")
		p.is("a", "revoked")
	})
}

// Close does not cancel a query in progress. B6
func TestCloseWhileAsking(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		answer := p.hold()
		out := p.async("a")
		p.must(p.Close())
		close(answer)
		if got := <-out; got != "good" {
			t.Error(got)
		}
	})
}

// Close does not wait for the next attempt of a failed Watch. B6
func TestCloseBetweenWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.lose()
		began := time.Now()
		p.must(p.Close())
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// A lookup of a kept credential allocates nothing.
func TestAllocations(t *testing.T) {
	m := store.NewMemory()
	began := make(chan struct{})
	c := newCache(t, cache.Config{Store: script{&machine{Memory: m}, func(ctx context.Context, alive func(), _ func(store.Digest)) error {
		alive()
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}}, MaxStale: time.Minute})
	<-began
	if _, err := m.Insert(t.Context(), token("a"), store.Limits{}); err != nil {
		t.Fatal(err)
	}
	d := token("a").Digest
	find := func() { c.Find(t.Context(), store.KindToken, d) }
	find()
	if n := testing.AllocsPerRun(1000, find); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
