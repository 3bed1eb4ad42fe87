package store

import "hash/maphash"

// An index finds rows by ID, for one caller at a time. It is a hash table of
// pointers with linear probing, made anew when it grows and when rows leave: a
// map would keep the IDs as well, and take three times the memory. IDs may be
// anybody's choice, so the hash is one that nobody can foresee.
type index struct {
	seed  maphash.Seed
	slots []*Credential // a power of two, at most three quarters taken
	taken int
}

// newIndex returns an index of rows, with room for as many again.
func newIndex(rows []*Credential) *index {
	size := 64
	for size < 2*len(rows) {
		size *= 2
	}
	x := &index{seed: maphash.MakeSeed(), slots: make([]*Credential, size)}
	for _, c := range rows {
		x.put(c)
	}
	return x
}

// get returns the row with this ID, or nil.
func (x *index) get(id string) *Credential {
	if x == nil {
		return nil
	}
	return *x.at(id)
}

// at returns the slot of id, or the free one where it would be.
func (x *index) at(id string) **Credential {
	mask := uint64(len(x.slots) - 1)
	for i := maphash.String(x.seed, id) & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; *s == nil || (*s).ID == id {
			return s
		}
	}
}

// put adds c, or replaces the row with its ID.
func (x *index) put(c *Credential) {
	s := x.at(c.ID)
	if *s == nil {
		x.taken++
	}
	*s = c
}

// full reports whether one more row needs a larger index.
func (x *index) full() bool { return 4*(x.taken+1) > 3*len(x.slots) }
