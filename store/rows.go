package store

import "hash/maphash"

// rows are those of a Memory, found by ID and by group, for one caller at a
// time. Both know a row by its position: a map of IDs would take three times the
// memory, and a garbage collection would follow every one of them.
type rows struct {
	all    []*Credential      // oldest first; fewer than four billion
	slots  []uint32           // a hash table of IDs, with linear probing; see slot
	groups map[group][]uint32 // positions of the members, oldest first
	seed   maphash.Seed       // IDs may be anybody's choice: nobody can foresee their hash
}

// newRows returns rows of all, which it does not keep.
func newRows(all []*Credential) *rows {
	x := &rows{slots: make([]uint32, 64), groups: make(map[group][]uint32), seed: maphash.MakeSeed()}
	for _, c := range all {
		x.add(c)
	}
	return x
}

// get returns the row with this ID, or nil.
func (x *rows) get(id string) *Credential {
	if x == nil {
		return nil
	}
	if s := x.slot(id); *s != 0 {
		return x.all[*s-1]
	}
	return nil
}

// slot returns the slot of id, or the free one where it would be. It holds 0 if
// it is free, else 1 more than the position. The slots are a power of two, and a
// quarter of them is free.
func (x *rows) slot(id string) *uint32 {
	mask := uint64(len(x.slots) - 1)
	for i := maphash.String(x.seed, id) & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; *s == 0 || x.all[*s-1].ID == id {
			return s
		}
	}
}

// add adds c, whose ID no other row has.
func (x *rows) add(c *Credential) {
	if 4*(len(x.all)+1) > 3*len(x.slots) {
		x.slots = make([]uint32, 2*len(x.slots))
		for i, c := range x.all {
			*x.slot(c.ID) = uint32(i + 1)
		}
	}
	for _, g := range groupsOf(c) {
		x.groups[g] = appendSparing(x.groups[g], uint32(len(x.all)))
	}
	*x.slot(c.ID) = uint32(len(x.all) + 1)
	x.all = appendSparing(x.all, c)
}

// replace puts c in the place of the row with its ID.
func (x *rows) replace(c *Credential) { x.all[*x.slot(c.ID)-1] = c }

// appendSparing is append that leaves less room: there are many groups and few of
// them grow for long.
func appendSparing[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		s = append(make([]T, 0, len(s)+len(s)/4+1), s...)
	}
	return append(s, v)
}
