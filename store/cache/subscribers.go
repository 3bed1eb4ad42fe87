package cache

import (
	"context"
	"sync"

	"github.com/keystile/keystile/store"
)

// subscribers pass what one Watch of the store reports on to any number of others.
type subscribers struct {
	mu      sync.Mutex
	alive   bool // the store's Watch has called alive and has not ended
	all     map[*subscriber]struct{}
	refused error // why there will be no further Watch of the store; nil: there may be
}

// A subscriber is one call of [Cache.Watch].
type subscriber struct {
	alive   func()
	changed func(store.Digest)
	ended   chan error // receives the reason when the store's Watch ends
}

// watch implements [store.Watcher]. It holds mu while it calls back, so that nothing
// is called after it has returned.
func (s *subscribers) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	sub := &subscriber{alive, changed, make(chan error, 1)}
	if err := s.add(sub); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, sub)
	}()
	select {
	case err := <-sub.ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *subscribers) add(sub *subscriber) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return s.refused
	}
	if s.alive {
		// Every later change is reported. Earlier ones do not matter: the caller
		// has to discard what it knew when its Watch began.
		sub.alive()
	}
	if s.all == nil {
		s.all = make(map[*subscriber]struct{})
	}
	s.all[sub] = struct{}{}
	return nil
}

// reportAlive calls alive of each subscriber.
func (s *subscribers) reportAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = true
	for sub := range s.all {
		sub.alive()
	}
}

// reportChanged calls changed of each subscriber.
func (s *subscribers) reportChanged(d store.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.all {
		sub.changed(d)
	}
}

// end ends the Watch of each subscriber, because the store's Watch has ended.
func (s *subscribers) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = false
	for sub := range s.all {
		sub.ended <- err
	}
	clear(s.all)
}

// refuse is like end, and makes every later Watch return err at once.
func (s *subscribers) refuse(err error) {
	s.mu.Lock()
	s.refused = err
	s.mu.Unlock()
	s.end(err)
}
