package credential

import (
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
)

// B5: what is remembered is bounded, and forgotten after an interval.
func TestLastUsedBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &lastUsed{store: store.NewMemory(), interval: time.Minute}
		for i := range lastUsedBound + 1000 {
			u.note(&store.Credential{ID: strconv.Itoa(i)}, time.Now(), netip.Addr{})
		}
		u.mu.Lock()
		if len(u.seen) != lastUsedBound || len(u.pending) != lastUsedBound {
			t.Errorf("%d remembered, %d to be written, want %d", len(u.seen), len(u.pending), lastUsedBound)
		}
		u.mu.Unlock()
		time.Sleep(time.Minute)
		late := &store.Credential{ID: "late"}
		u.note(late, time.Now(), netip.Addr{}) // drops what is old, a second later
		time.Sleep(2 * time.Second)
		u.note(late, time.Now(), netip.Addr{})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, ok := u.seen["late"]; !ok || len(u.seen) != 1 || len(u.pending) != 0 || u.armed {
			t.Errorf("%d remembered, %d to be written, armed: %t, want one remembered", len(u.seen), len(u.pending), u.armed)
		}
	})
}
