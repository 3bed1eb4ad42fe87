package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	// leaseTime is the length of the lease. It counts from the call of alive
	// before the latest one: see watchOnce.
	leaseTime = 2 * time.Second

	minPause = 100 * time.Millisecond // before the next Watch, after the first failure
	maxPause = time.Second            // after several failures
)

// watch keeps a Watch going until ctx is done.
func (c *Cache) watch(ctx context.Context, w store.Watcher) {
	defer close(c.stopped)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		began := c.now()
		err := c.watchOnce(ctx, w)
		if ctx.Err() != nil {
			return
		}
		if c.watchError != nil {
			c.watchError(err)
		}
		if c.now()-began > maxPause {
			pause = minPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// watchOnce calls Watch. It invalidates the reported changes and extends the lease
// until Watch returns.
//
// A call of alive means that every change that was complete half a second before has
// been reported. The clock cannot show when the store made that call, because this
// goroutine may run much later. But it was after the previous call of alive, or after
// Watch was called, whose time was read. So the lease lasts for leaseTime from then.
// When the lease ends, a change that was not reported was complete for less than 0.5s
// + leaseTime, even if this process was slow.
func (c *Cache) watchOnce(ctx context.Context, w store.Watcher) (err error) {
	defer func() {
		c.lease.Store(0)
		if v := recover(); v != nil {
			err = fmt.Errorf("cache: panic in Watch: %v\n%s", v, debug.Stack())
		}
	}()
	before, first := c.now(), true
	alive := func() {
		if first {
			first = false
			c.history.forget(&c.history.all) // earlier changes were not reported
		}
		now := c.now()
		c.lease.Store(int64(before + leaseTime))
		before = now
	}
	changed := func(d store.Digest) { c.history.forget(c.history.digest(d)) }
	return w.Watch(ctx, alive, changed)
}
