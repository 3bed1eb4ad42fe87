package cache

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	maxAge     = 10 * time.Minute // of any answer, however good the news
	unknownAge = 10 * time.Second // of the answer that there is no such credential
)

// An answer is what the store said, and all it takes to know whether that may
// still be given. Nothing of it changes but checked.
type answer struct {
	kind  store.Kind
	row   *store.Credential // nil where err is not, and while the store is being asked
	err   error
	asked time.Duration // a moment before the store was asked
	stamp               // of that moment

	checked atomic.Uint64 // the version at which it was last found to be current
}

// outage reports whether a says nothing of the credential.
func (a *answer) outage() bool { return a.err != nil && !errors.Is(a.err, store.ErrNotFound) }

// A request is a call of Find, as things were when it began.
type request struct {
	at     time.Duration
	leased bool // the news was relied on
}

// arrive returns a request that begins now.
func (c *Cache) arrive() request {
	lease := time.Duration(c.lease.Load())
	at := c.now()
	return request{at, at < lease}
}

// usable reports whether a may be given to r: if the store was asked after r
// began; or if nothing that a depends on was forgotten since the store was
// asked, and the news is relied on or a is young enough to do without.
//
// The order matters. The lease was read when r began, the history is read now.
// Whoever extended that lease had already put into the history all that it
// vouches for. So a change that is not in there is one that happened no more
// than 2.5 seconds before the lease ends: see watchOnce.
func (c *Cache) usable(a *answer, r request) bool {
	age := r.at - a.asked
	var fresh bool
	switch {
	case age < 0:
		return true
	case a.err != nil:
		fresh = r.leased && age < unknownAge
	default:
		fresh = r.leased && age < maxAge || age < c.maxStale
	}
	return fresh && a.current(c.history.version.Load())
}

// current reports whether nothing that a depends on was forgotten up to a version
// of the history. Most of the time nothing at all was since that was last asked,
// and the marks, which are all over the memory, need not be looked at.
//
// The version is the caller's, as it must be older than what is seen of the marks:
// of one that came after them nobody could say that a is current at it.
func (a *answer) current(version uint64) bool {
	if a.checked.Load() == version {
		return true
	}
	if !a.stamp.current() {
		return false
	}
	a.checked.Store(version)
	return true
}
