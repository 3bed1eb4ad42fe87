package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/keystile/keystile/store"
)

// A history records invalidations. Each one has a new version number. The history
// keeps no keys but marks: for each field, a table of the versions at which a value
// was last invalidated, indexed by a hash of the value. Values that share a mark
// are invalidated together, which costs a needless query.
//
// An invalidation also covers queries that are in progress. Before each query, the
// current version is noted. An invalidation comes after the change in the store: it
// first sets marks to the next version, and then makes that version the current one.
// So if a noted version is not below a mark, the query began after the change, and
// its answer shows the change.
type history struct {
	seed    maphash.Seed
	version atomic.Uint64
	all     atomic.Uint64 // a mark of every credential
	tables  [fields][]atomic.Uint64
	forgets sync.Mutex // held while marks are set, so that none decreases
}

// The fields by which credentials are invalidated.
const (
	byDigest = iota
	byID
	bySubject
	byFamily
	byClient
	fields
)

// newHistory returns a history for a cache with this many entries. Each table has as
// many marks, so that few credentials share one.
func newHistory(entries int) *history {
	h := &history{seed: maphash.MakeSeed()}
	for field := range h.tables {
		h.tables[field] = make([]atomic.Uint64, max(entries, 4096))
	}
	return h
}

// mark returns the mark of a value of a field.
func (h *history) mark(field int, value string) *atomic.Uint64 {
	table := h.tables[field]
	return &table[maphash.String(h.seed, value)%uint64(len(table))]
}

func (h *history) digest(d store.Digest) *atomic.Uint64 { return h.mark(byDigest, string(d[:])) }

// forget invalidates all answers that depend on one of the marks.
func (h *history) forget(marks ...*atomic.Uint64) {
	h.forgets.Lock()
	defer h.forgets.Unlock()
	v := h.version.Load() + 1
	for _, m := range marks {
		m.Store(v)
	}
	h.version.Store(v) // last, so that a reader of this version sees its marks
}

// A stamp is the version at the time of a query, and the marks of its answer.
type stamp struct {
	version uint64
	marks   [fields + 1]*atomic.Uint64
}

// stamp returns a stamp of the current version for c.
func (h *history) stamp(c *store.Credential) stamp {
	return stamp{h.version.Load(), h.marks(c)}
}

// marks returns the marks of c.
func (h *history) marks(c *store.Credential) [fields + 1]*atomic.Uint64 {
	return [...]*atomic.Uint64{
		h.digest(c.Digest),
		h.mark(byID, c.ID),
		h.mark(bySubject, c.Subject),
		h.mark(byFamily, c.Family),
		h.mark(byClient, c.ClientID),
		&h.all,
	}
}

// current reports whether no mark was set since the stamp was taken.
func (s *stamp) current() bool {
	for _, m := range s.marks {
		if m.Load() > s.version {
			return false
		}
	}
	return true
}
