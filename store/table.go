package store

import (
	"encoding/binary"
	"sync/atomic"
)

// A table finds rows by digest. Readers need no lock. Writers must hold
// [Memory.mu].
//
// It is a hash table with linear probing. A digest serves as its own hash: its
// bits are uniform, and clients cannot choose the digests in the table. A slot that
// is taken keeps its digest; its row may be replaced by a newer version of the
// same credential. To remove rows, a new table is built without them, so a search
// never has to skip deleted slots.
type table struct {
	slots []slot // a power of two, at most three quarters taken
	taken int    // used by writers only
}

type slot struct {
	// tag is the start of the row's digest. If it differs, a search need not
	// read the row, which is usually a cache miss. It is written once, before
	// row, so a reader that has loaded a row may read it.
	tag uint64
	row atomic.Pointer[Credential]
}

// newTable returns a table of rows, with room for at least half as many more.
func newTable(rows []*Credential) *table {
	size := 64
	for size < 2*len(rows) {
		size *= 2
	}
	t := &table{slots: make([]slot, size)}
	for _, c := range rows {
		t.put(c)
	}
	return t
}

// at returns the slot of d and the row in it, of any kind. If there is none, it
// returns the free slot for d, and nil. There always is a free slot.
//
// Readers must use the returned row and not load the row of the slot again: a
// writer may have put the row of another digest into a free slot since.
func (t *table) at(d *Digest) (*slot, *Credential) {
	tag := binary.LittleEndian.Uint64(d[:])
	mask := uint64(len(t.slots) - 1)
	for i := tag & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		c := s.row.Load()
		if c == nil || s.tag == tag && c.Digest == *d {
			return s, c
		}
	}
}

// put adds c, or replaces the row with its digest.
func (t *table) put(c *Credential) {
	s, old := t.at(&c.Digest)
	if old == nil {
		s.tag = binary.LittleEndian.Uint64(c.Digest[:])
		t.taken++
	}
	s.row.Store(c)
}

// full reports whether one more row needs a larger table.
func (t *table) full() bool { return 4*(t.taken+1) > 3*len(t.slots) }

// rows returns all rows, in no particular order. The caller owns the slice.
func (t *table) rows() []*Credential {
	rows := make([]*Credential, 0, t.taken)
	for i := range t.slots {
		if c := t.slots[i].row.Load(); c != nil {
			rows = append(rows, c)
		}
	}
	return rows
}
