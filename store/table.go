package store

import (
	"encoding/binary"
	"sync/atomic"
)

// A table finds rows by digest without a lock: any number of readers, and one
// writer at a time, which [Memory.mu] sees to.
//
// It is a hash table with linear probing. A digest is its own hash: its bits
// are uniform, and who presents a credential cannot choose what is in the
// table. A slot, once taken, keeps its digest; its row may be exchanged for a
// newer version of the same credential. Rows leave only when a new table is
// made without them, so there are no gaps to step over.
type table struct {
	slots []slot // a power of two, at most three quarters taken
	taken int    // the writer's
}

type slot struct {
	// tag is the start of the row's digest. It spares a look at the row,
	// usually a cache miss, where the digest is another. It is written
	// before row is and never again, so who has seen row may read it.
	tag uint64
	row atomic.Pointer[Credential]
}

// newTable returns a table of rows, with room for half as many again at least.
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

// at returns the slot of d and the row in it, of whatever kind, or the free slot
// where it would be and nil. There always is a free slot.
//
// Readers take the row from here and never load it from the slot: if that was
// free, a writer may have put somebody else's row there since.
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

// rows returns all rows, in no order, in a slice of the caller's.
func (t *table) rows() []*Credential {
	rows := make([]*Credential, 0, t.taken)
	for i := range t.slots {
		if c := t.slots[i].row.Load(); c != nil {
			rows = append(rows, c)
		}
	}
	return rows
}
