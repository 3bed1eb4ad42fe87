package store

import (
	"encoding/binary"
	"strconv"
	"testing"
	"time"
)

// digest returns a digest that starts with tag and ends with last.
func digest(tag uint64, last byte) Digest {
	var d Digest
	binary.LittleEndian.PutUint64(d[:], tag)
	d[len(d)-1] = last
	return d
}

// Digests with the same first 8 bytes have the same tag and compete for one slot.
// After the last slot, the search continues at the first.
func TestTableTellsEqualTagsApart(t *testing.T) {
	for _, tag := range []uint64{0, 1, 62, 63, 1 << 63, ^uint64(0)} {
		table := newTable(nil)
		var rows []*Credential
		for last := range byte(40) {
			c := &Credential{Digest: digest(tag, last)}
			for _, d := range []Digest{c.Digest, digest(tag+64, last), digest(^tag, last)} {
				if _, got := table.at(&d); got != nil {
					t.Fatalf("tag %#x: digest %d is taken for another before it is there", tag, last)
				}
			}
			table.put(c)
			rows = append(rows, c)
			for i, c := range rows {
				if _, got := table.at(&c.Digest); got != c {
					t.Fatalf("tag %#x: of %d rows, digest %d gives another row", tag, len(rows), i)
				}
			}
		}
		if table.taken != len(rows) || rowsIn(table) != len(rows) {
			t.Errorf("tag %#x: %d slots taken by %d rows, want %d", tag, table.taken, rowsIn(table), len(rows))
		}
	}
}

// rowsIn counts the rows in t.
func rowsIn(t *table) (n int) {
	for i := range t.slots {
		if t.slots[i].row.Load() != nil {
			n++
		}
	}
	return n
}

func TestTableReplacesInPlace(t *testing.T) {
	table := newTable(nil)
	a := &Credential{ID: "a", Digest: digest(7, 1)}
	b := &Credential{ID: "b", Digest: digest(7, 2)}
	table.put(a)
	table.put(b)
	newer := &Credential{ID: "a", Digest: a.Digest, Name: "newer"}
	table.put(newer)
	if _, got := table.at(&a.Digest); got != newer {
		t.Errorf("row = %v, want the newer version", got)
	}
	if _, got := table.at(&b.Digest); got != b {
		t.Errorf("the row beside it = %v, want no change", got)
	}
	if table.taken != 2 {
		t.Errorf("taken = %d, want 2", table.taken)
	}
}

// A search ends at a free slot, so a quarter of the slots stays free.
func TestTableIsNeverFull(t *testing.T) {
	m := NewMemory()
	for i := range 1000 {
		c := &Credential{ID: strconv.Itoa(i), Digest: digest(uint64(i)*0x9e3779b97f4a7c15, 0)}
		if _, err := m.Insert(t.Context(), c, Limits{}); err != nil {
			t.Fatal(err)
		}
		table := m.table.Load()
		if size := len(table.slots); size&(size-1) != 0 || 4*table.taken > 3*size {
			t.Fatalf("after %d rows: %d of %d slots taken, want at most three quarters of a power of two", i+1, table.taken, size)
		}
		if _, last := table.at(&c.Digest); table.taken != i+1 || last == nil || last != m.ids[c.ID] {
			t.Fatalf("after %d rows: %d slots taken, want as many, and the last row in one", i+1, table.taken)
		}
	}
	if size := len(m.table.Load().slots); size > 4096 {
		t.Errorf("%d slots for 1000 rows, want no more than 4096", size)
	}
}

// Prune frees the memory of the rows that it deletes, in every index.
func TestPruneShrinks(t *testing.T) {
	m := NewMemory()
	now := time.Now()
	for i := range 10_000 {
		c := &Credential{
			ID: strconv.Itoa(i), Digest: digest(uint64(i)*0x9e3779b97f4a7c15, 0),
			Subject:   strconv.Itoa(i % 100),
			ExpiresAt: now,
		}
		if i == 5000 {
			c.ExpiresAt = time.Time{}
		}
		if _, err := m.Insert(t.Context(), c, Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := m.Prune(t.Context(), PruneBefore{Ended: now.Add(time.Second)}); err != nil || n != 9999 {
		t.Fatalf("Prune = %d, %v, want 9999", n, err)
	}
	table := m.table.Load()
	if len(table.slots) > 64 || table.taken != 1 || len(m.ids) != 1 || len(m.accounts) != 1 {
		t.Errorf("of one row: %d slots, %d of them taken, %d IDs, %d accounts, want 64, 1, 1, 1",
			len(table.slots), table.taken, len(m.ids), len(m.accounts))
	}
	if n, err := m.Prune(t.Context(), PruneBefore{Ended: now.Add(time.Second)}); err != nil || n != 0 || m.table.Load() != table {
		t.Errorf("Prune again = %d, %v, want 0 and the same table", n, err)
	}
}
