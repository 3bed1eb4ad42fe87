package credential

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	lastUsedDelay   = time.Second      // until a use is written, together with those of the meantime
	lastUsedTimeout = 10 * time.Second // for one batch
	lastUsedBound   = 1 << 16          // credentials remembered at most
)

// lastUsed writes when credentials were last used: off the request path, at
// most once per credential and interval, and as a courtesy. What cannot be
// written is dropped, and tried again at a later use.
//
// No goroutine waits for work: a timer runs while there is some.
type lastUsed struct {
	store    store.Store
	interval time.Duration // negative: never
	off      atomic.Bool   // the store cannot write

	mu      sync.Mutex
	seen    map[string]time.Time // by ID: the use that was noted, for as long as an interval
	pending []use                // not written yet
	armed   bool                 // flush will run
}

type use struct {
	id string
	at time.Time
}

// note remembers that c was used at now. Where c says that it was used a moment
// ago, as it does for nearly every request, that costs one comparison.
func (u *lastUsed) note(c *store.Credential, now time.Time) {
	if u.interval < 0 || now.Sub(c.LastUsedAt) < u.interval || u.off.Load() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if at, ok := u.seen[c.ID]; ok && now.Sub(at) < u.interval {
		return
	}
	if len(u.seen) < lastUsedBound {
		if u.seen == nil {
			u.seen = make(map[string]time.Time)
		}
		u.seen[c.ID] = now
		u.pending = append(u.pending, use{c.ID, now})
	}
	if !u.armed {
		u.armed = true
		time.AfterFunc(lastUsedDelay, u.flush)
	}
}

// flush writes what is pending and forgets what is old.
func (u *lastUsed) flush() {
	u.mu.Lock()
	batch := u.pending
	u.pending = nil
	u.mu.Unlock()

	u.write(batch)

	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for id, at := range u.seen {
		if now.Sub(at) >= u.interval {
			delete(u.seen, id)
		}
	}
	if u.armed = len(u.pending) > 0; u.armed {
		time.AfterFunc(lastUsedDelay, u.flush)
	}
}

// write writes a batch until the store fails.
func (u *lastUsed) write(batch []use) {
	// This runs on a goroutine of its own, where a panic in the store would
	// end the process.
	defer func() { recover() }()
	ctx, cancel := context.WithTimeout(context.Background(), lastUsedTimeout)
	defer cancel()
	for _, use := range batch {
		err := u.store.Touch(ctx, use.id, use.at)
		if errors.Is(err, errors.ErrUnsupported) {
			u.off.Store(true)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return
		}
	}
}
