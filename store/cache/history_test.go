package cache

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/store"
)

// A mark never goes back, however many forget at once. R2
func TestMarksNeverGoBack(t *testing.T) {
	h := newHistory(1, fields)
	m := h.mark(byID, "a")
	// m is last, to leave time to be overtaken.
	marks := append(slices.Repeat([]*atomic.Uint64{h.mark(byID, "b")}, 1000), m)
	var forgets sync.WaitGroup
	for range 8 {
		forgets.Go(func() {
			for range 1000 {
				before := h.version.Load()
				h.forget(marks...)
				if m.Load() <= before {
					t.Error("what was asked for before something was forgotten is current")
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		forgets.Wait()
		close(done)
	}()
	for last := uint64(0); ; {
		now := m.Load()
		if now < last {
			t.Fatalf("the mark went back from %d to %d", last, now)
		}
		last = now
		select {
		case <-done:
			return
		default:
		}
	}
}

// What is asked for while something is forgotten does not hide that it was. R2
func TestForgottenIsNotCurrent(t *testing.T) {
	h := newHistory(1, fields)
	row := &store.Credential{ID: "a"}
	// That of row is last, to leave time to ask.
	marks := append(slices.Repeat([]*atomic.Uint64{h.mark(byID, "b")}, 1<<16), h.mark(byID, row.ID))
	for range 50 {
		a := &basis{stamp: h.stamp(h.marks(row))}
		if !a.current(h.version.Load()) {
			t.Fatal("what nothing was forgotten of is not current")
		}
		stop, asking := make(chan struct{}), make(chan struct{})
		var asked sync.WaitGroup
		asked.Go(func() {
			a.current(h.version.Load())
			close(asking)
			for {
				select {
				case <-stop:
					return
				default:
					a.current(h.version.Load())
				}
			}
		})
		<-asking
		h.forget(marks...)
		if a.current(h.version.Load()) {
			t.Fatal("what was forgotten is current")
		}
		close(stop)
		asked.Wait()
	}
}

// Fields do not share marks: a subject that is named as another's family is
// forgotten for itself. And a table has a mark for each entry.
func TestMarks(t *testing.T) {
	h := newHistory(5000, fields)
	c := &store.Credential{ID: "a", Subject: "a", Family: "a", ClientID: "a"}
	seen := make(map[any]bool)
	for _, m := range h.marks(c) {
		seen[m] = true
	}
	if len(seen) != fields+1 {
		t.Errorf("%d marks, want %d", len(seen), fields+1)
	}
	for _, table := range h.tables {
		if len(table) != 5000 {
			t.Errorf("%d marks in a table, want 5000", len(table))
		}
	}
}
