package cache

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	maxAge     = 10 * time.Minute // limit for every answer, even while the lease holds
	unknownAge = 10 * time.Second // limit for store.ErrNotFound
)

// An answer is the result of a query of the store, with what is needed to decide
// whether it may still be used. Only checked changes.
type answer struct {
	kind  store.Kind
	row   *store.Credential // nil if err is not, and during the query
	err   error
	asked time.Duration // just before the query
	stamp               // taken at that time

	checked atomic.Uint64 // the version at which the answer was last found to be current
}

// outage reports whether a is the error of an outage.
func (a *answer) outage() bool { return a.err != nil && !errors.Is(a.err, store.ErrNotFound) }

// A request is a call of Find.
type request struct {
	at     time.Duration // when it began
	leased bool          // the lease held at that time
}

// arrive returns a request that begins now.
func (c *Cache) arrive() request {
	lease := time.Duration(c.lease.Load())
	at := c.now()
	return request{at, at < lease}
}

// usable reports whether a answers r. It does if the store was asked after r began.
// It also does if a was not invalidated since the store was asked, and a is young
// enough: the limit is longer if the lease held when r began.
//
// The order matters: the lease was read when r began, and the history is read now.
// Before a lease is extended, all changes that it covers are in the history. So a
// change that is missing from the history happened at most 2.5 seconds before the
// lease ends: see watchOnce.
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

// current reports whether a was not invalidated up to a version of the history. If
// the version has not changed since the last call, nothing was invalidated, and
// current need not read the marks, which are scattered in memory.
//
// The caller must read the version first. If it were read after the marks, it could
// include an invalidation that these do not show yet.
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
