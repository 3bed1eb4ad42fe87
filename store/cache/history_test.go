package cache

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/store"
)

// A mark never decreases, even if many goroutines call forget at once. R2
func TestMarksNeverGoBack(t *testing.T) {
	h := newHistory(1, fields)
	m := h.mark(byID, "a")
	// m comes last, so that another call may overtake this one.
	marks := append(slices.Repeat([]*atomic.Uint64{h.mark(byID, "b")}, 1000), m)
	var forgets sync.WaitGroup
	for range 8 {
		forgets.Go(func() {
			for range 1000 {
				before := h.version.Load()
				h.forget(marks...)
				if m.Load() <= before {
					t.Error("an answer from before the invalidation is current")
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

// Calls of current during forget do not hide the invalidation. R2
func TestForgottenIsNotCurrent(t *testing.T) {
	h := newHistory(1, fields)
	row := &store.Credential{ID: "a"}
	// The mark of row comes last, to leave time for calls of current.
	marks := append(slices.Repeat([]*atomic.Uint64{h.mark(byID, "b")}, 1<<16), h.mark(byID, row.ID))
	for range 50 {
		a := &basis{stamp: h.stamp(h.marks(row))}
		if !a.current(h.version.Load()) {
			t.Fatal("an answer is not current, but was not invalidated")
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
			t.Fatal("an invalidated answer is current")
		}
		close(stop)
		asked.Wait()
	}
}

// Different fields do not share marks, even if a subject equals a family. Each table
// has a mark for each entry.
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
