package cache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// A freshness decides which answers are fresh enough to be returned, and watches
// the store for changes.
type freshness struct {
	maxStale   time.Duration // how old an answer may be while notifications may be missing
	maxAge     time.Duration // how old it may be while all notifications arrive
	unknownAge time.Duration // how old a negative answer may be while all notifications arrive
	absent     error         // the error of a negative answer; every other error is an outage
	watchError func(error)

	began   time.Time // every time.Duration here counts from this moment
	history *history
	lease   atomic.Int64 // a time.Duration: until then all notifications are assumed to arrive
	closed  atomic.Bool
	stop    context.CancelFunc // ends the watch
	stopped chan struct{}      // closed once the watch has ended

	subscribers subscribers
}

// start begins to watch st, if it is a [store.Watcher].
func (f *freshness) start(st store.Store) {
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.stopped = stop, make(chan struct{})
	if w, ok := st.(store.Watcher); ok {
		go f.watch(ctx, w)
	} else {
		f.subscribers.refuse(fmt.Errorf("cache: %T is no store.Watcher: %w", st, errors.ErrUnsupported))
		close(f.stopped)
	}
}

// close ends the watch and returns once it has ended.
func (f *freshness) close() {
	f.closed.Store(true)
	f.stop()
	<-f.stopped
}

// now reads the monotonic clock.
func (f *freshness) now() time.Duration { return time.Since(f.began) }

// outage reports whether err means that there is no answer.
func (f *freshness) outage(err error) bool { return err != nil && !errors.Is(err, f.absent) }

// A request is the moment at which a lookup began.
type request struct {
	at     time.Duration
	leased bool // all notifications were assumed to arrive
}

// arrive returns a request that begins now.
func (f *freshness) arrive() request {
	lease := time.Duration(f.lease.Load())
	at := f.now()
	return request{at, at < lease}
}

// usable reports whether an answer may be returned to r. It may if the source was
// asked after r began. It may also if nothing that the answer depends on was
// forgotten since the source was asked, and the answer is young enough: less than
// maxAge while all notifications arrive, less than maxStale otherwise.
//
// The order matters: the lease was read when r began, and the history is read now.
// The goroutine that extended the lease had already recorded in the history every
// change that the lease covers. A change that is missing there happened at most 2.5
// seconds before the lease ends: see watchOnce.
func (f *freshness) usable(b *basis, r request) bool {
	age := r.at - b.asked
	var fresh bool
	switch {
	case age < 0:
		return true
	case b.err != nil:
		fresh = r.leased && age < f.unknownAge
	default:
		fresh = r.leased && age < f.maxAge || age < f.maxStale
	}
	return fresh && b.current(f.history.version.Load())
}
