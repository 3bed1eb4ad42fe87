package credential

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	lastUsedDelay   = time.Second      // until a use is written, together with those of the meantime
	lastUsedTimeout = 10 * time.Second // for all that is pending
	lastUsedBound   = 1 << 16          // credentials remembered at most
	lastUsedBatch   = 1000             // uses per call, as store.Store has it
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
	pending []store.Use          // not written yet
	armed   bool                 // flush will run
}

// due reports whether a use of c at now is worth noting. For nearly every request
// it is not, and that costs one comparison.
func (u *lastUsed) due(c *store.Credential, now time.Time) bool {
	return u.interval >= 0 && now.Sub(c.LastUsedAt) >= u.interval && !u.off.Load()
}

// note remembers that c was used at now from addr.
func (u *lastUsed) note(c *store.Credential, now time.Time, addr netip.Addr) {
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
		u.pending = append(u.pending, store.Use{ID: c.ID, At: now, Addr: addr})
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

// write writes uses until the store fails.
func (u *lastUsed) write(uses []store.Use) {
	// This runs on a goroutine of its own, where a panic in the store would
	// end the process.
	defer func() { recover() }()
	ctx, cancel := context.WithTimeout(context.Background(), lastUsedTimeout)
	defer cancel()
	for batch := range slices.Chunk(uses, lastUsedBatch) {
		err := u.store.Touch(ctx, batch)
		if errors.Is(err, errors.ErrUnsupported) {
			u.off.Store(true)
		}
		if err != nil {
			return
		}
	}
}
