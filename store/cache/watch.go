package cache

import (
	"context"
	"errors"
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

var errClosed = errors.New("cache: Watch: the Cache is closed")

// watch calls Watch again and again until ctx is done. A Watch that is not supported
// is called once.
func (f *freshness) watch(ctx context.Context, w store.Watcher) {
	defer close(f.stopped)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		began := f.now()
		err := f.watchOnce(ctx, w)
		if ctx.Err() != nil {
			f.subscribers.refuse(errClosed)
			return
		}
		if errors.Is(err, errors.ErrUnsupported) {
			f.subscribers.refuse(err)
			return
		}
		f.subscribers.end(err)
		if f.watchError != nil {
			f.watchError(err)
		}
		if f.now()-began > maxPause {
			pause = minPause
		}
		select {
		case <-ctx.Done():
			f.subscribers.refuse(errClosed)
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
// goroutine may run much later. But the store made it after the previous call of alive,
// or after Watch was called, and the time of that was read. So the lease lasts for
// leaseTime from then. When it ends, a change that was not reported was complete for
// less than 0.5s + leaseTime, even if this process was slow.
func (f *freshness) watchOnce(ctx context.Context, w store.Watcher) (err error) {
	defer func() {
		f.lease.Store(0)
		if v := recover(); v != nil {
			err = fmt.Errorf("cache: panic in Watch: %v\n%s", v, debug.Stack())
		}
	}()
	before, first := f.now(), true
	alive := func() {
		if first {
			first = false
			f.history.forget(&f.history.all) // earlier changes were not reported
		}
		now := f.now()
		f.lease.Store(int64(before + leaseTime))
		before = now
		f.subscribers.reportAlive()
	}
	changed := func(d store.Digest) {
		f.history.forget(f.history.digest(d))
		f.subscribers.reportChanged(d)
	}
	return w.Watch(ctx, alive, changed)
}
