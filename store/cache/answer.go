package cache

import (
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	maxAge     = 10 * time.Minute // limit for every answer, even while the lease holds
	unknownAge = 10 * time.Second // limit for store.ErrNotFound
)

// An answer is the value or the error that a lookup returned. Only checked changes
// after the lookup.
type answer[V any] struct {
	kind  store.Kind // of a credential
	value *V         // nil where err is not
	basis
}

// A basis is the part of an answer that decides how long it is usable.
type basis struct {
	err   error
	asked time.Duration // a moment before the lookup began
	stamp               // taken at that moment

	checked atomic.Uint64 // the latest version at which it was found to be current
}

// current reports whether nothing that an answer depends on was forgotten up to this
// version of the history. Usually nothing was forgotten since the last call, and then
// the marks, which are scattered over memory, are not read.
//
// The caller reads the version before current reads the marks. A version read after
// the marks could belong to a change that they do not show yet.
func (b *basis) current(version uint64) bool {
	if b.checked.Load() == version {
		return true
	}
	if !b.stamp.current() {
		return false
	}
	b.checked.Store(version)
	return true
}
