package soak

import (
	"sync"
	"time"
)

// A weather knows when there are faults.
type weather struct {
	mu    sync.Mutex
	bad   bool
	clear time.Time     // since then there is no fault
	worst time.Duration // after the end of a fault at which a step began that failed
}

func (w *weather) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = true
}

func (w *weather) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad, w.clear = false, time.Now()
}

// excuses reports whether a step that began then and has just failed may have: in
// a fault, or shortly after one.
func (w *weather) excuses(began time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.bad:
		return true
	case w.clear.IsZero() || began.After(w.clear.Add(grace)):
		return false
	}
	w.worst = max(w.worst, began.Sub(w.clear))
	return true
}
