package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A watching records what one Watch of a Cache reports.
type watching struct {
	mu sync.Mutex
	reports
}

type reports struct {
	alive   int
	changed []store.Digest
	ended   bool
	err     error // that Watch returned
}

func (w *watching) record(f func(*reports)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.reports)
}

// now returns what has been reported so far.
func (w *watching) now() (r reports) {
	synctest.Wait()
	w.record(func(now *reports) { r = *now })
	return r
}

// watch begins a Watch that lasts until ctx is done or the Cache ends it.
func watch(ctx context.Context, c *cache.Cache) *watching {
	w := new(watching)
	go func() {
		err := c.Watch(ctx,
			func() { w.record(func(r *reports) { r.alive++ }) },
			func(d store.Digest) { w.record(func(r *reports) { r.changed = append(r.changed, d) }) })
		w.record(func(r *reports) { r.ended, r.err = true, err })
	}()
	synctest.Wait()
	return w
}

// All callers of Watch share one Watch of the store. They begin and end independently.
func TestWatchIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		time.Sleep(100 * time.Millisecond)
		first := watch(t.Context(), p.Cache)
		ctx, cancel := context.WithCancel(t.Context())
		second := watch(ctx, p.Cache)
		for _, w := range []*watching{first, second} {
			if n := w.now().alive; n != 1 {
				t.Errorf("alive was called %d times when Watch began, want 1", n)
			}
		}
		time.Sleep(time.Second)
		p.must(p.Notify(t.Context(), store.Digest{1}))
		time.Sleep(20 * time.Millisecond)
		for _, w := range []*watching{first, second} {
			if r := w.now(); r.alive != 3 || len(r.changed) != 1 || r.changed[0] != (store.Digest{1}) {
				t.Errorf("after a second: %+v, want 3 times alive, and the digest of Notify", r)
			}
		}
		cancel()
		if r := second.now(); !r.ended || !errors.Is(r.err, context.Canceled) {
			t.Errorf("%+v, want %v", r, context.Canceled)
		}
		p.must(add(t.Context(), p.there, token("a")))
		time.Sleep(time.Second)
		if r := first.now(); r.alive != 5 || len(r.changed) != 2 || r.changed[1] != token("a").Digest {
			t.Errorf("%+v, want 5 times alive, and the digest of the inserted token", r)
		}
		if r := second.now(); r.alive != 3 || len(r.changed) != 1 {
			t.Errorf("%+v: called back after Watch had returned", r)
		}
		if n := p.line.begun(); n != 1 {
			t.Errorf("the store was watched %d times, want once", n)
		}
	})
}

// A change is reported once Find shows it.
func TestWatchAfterFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		heard := make(chan string, 1)
		go p.Watch(t.Context(), func() {}, func(store.Digest) { heard <- p.state("a") })
		synctest.Wait()
		p.revoke(p.there, "a")
		if got := <-heard; got != "revoked" {
			t.Errorf("when it was reported: %s, want revoked", got)
		}
	})
}

// Watch ends when the store's Watch ends, even if that was never alive. The next one
// is alive once the store is watched again.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		first := watch(t.Context(), p.Cache)
		p.lose()
		if r := first.now(); !r.ended || r.err.Error() != "connection reset" {
			t.Errorf("%+v, want connection reset", r)
		}
		second := watch(t.Context(), p.Cache)
		if r := second.now(); r.ended || r.alive != 0 {
			t.Errorf("while the store is not watched: %+v, want it to wait", r)
		}
		time.Sleep(100 * time.Millisecond)
		if r := second.now(); !r.ended || r.err.Error() != "connection refused" || r.alive != 0 {
			t.Errorf("%+v, want connection refused, and never alive", r)
		}
		p.line.mu.Lock()
		p.line.refuse = nil
		p.line.mu.Unlock()
		third := watch(t.Context(), p.Cache)
		time.Sleep(time.Second)
		if r := third.now(); r.ended || r.alive == 0 {
			t.Errorf("%+v, want it to be alive", r)
		}
	})
}

// Close ends every Watch, whether or not the store is being watched. Every later one
// ends at once.
func TestWatchIsClosed(t *testing.T) {
	for name, prepare := range map[string]func(*pair){"connected": func(*pair) {}, "reconnecting": (*pair).lose} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, true, cache.Config{})
				prepare(p)
				before := watch(t.Context(), p.Cache)
				p.must(p.Close())
				after := watch(t.Context(), p.Cache)
				for _, w := range []*watching{before, after} {
					if r := w.now(); !r.ended || r.err == nil || errors.Is(r.err, context.Canceled) {
						t.Errorf("%+v, want an error of its own", r)
					}
				}
			})
		})
	}
}

// A Cache in front of a store that is no Watcher or Notifier says so.
func TestUnsupported(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := newCache(t, cache.Config{Store: store.NewMemory()})
	stacked := newCache(t, cache.Config{Store: c, WatchError: func(err error) { t.Errorf("WatchError: %v", err) }})
	for name, c := range map[string]*cache.Cache{"one": c, "two, one in front of the other": stacked} {
		err := c.Watch(ctx, func() { t.Error("alive") }, nil)
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: Watch: %v, want %v", name, err, errors.ErrUnsupported)
		}
		if err := c.Notify(ctx, store.Digest{}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: Notify: %v, want %v", name, err, errors.ErrUnsupported)
		}
	}
}

// Notify is for changes around the Cache: it forgets at once, whatever the store
// answers. R1
func TestNotifyForgets(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a", "b")
		p.is("a", "good")
		p.is("b", "good")
		p.line.mute(true)
		p.revoke(p.there, "a")
		if err := p.Notify(t.Context(), token("a").Digest); isWatched != (err == nil) {
			t.Error(err)
		}
		p.asked(1, func() { p.is("a", "revoked"); p.is("b", "good") })
	})
}
