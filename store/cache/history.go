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

// newHistory returns a history for so many entries, by the first so many fields. Each
// table has a mark for each entry, so that sharing them costs no more than what is
// forgotten anyway.
func newHistory(entries, fields int) *history {
	h := &history{seed: maphash.MakeSeed()}
	for field := range h.tables[:fields] {
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

// marks are the marks by which one answer is forgotten.
type marks [fields + 1]*atomic.Uint64

// A stamp is a version, and the marks by which what was learnt then can be
// forgotten.
type stamp struct {
	version uint64
	marks   marks
}

// stamp returns a stamp of the current version.
func (h *history) stamp(m marks) stamp { return stamp{h.version.Load(), m} }

// marks returns the marks of c.
func (h *history) marks(c *store.Credential) marks {
	return marks{
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
