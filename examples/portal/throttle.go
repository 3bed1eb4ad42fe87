package main

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	freeTries  = 5           // wrong passwords in a row
	tryAgain   = time.Minute // and then one more in this time
	maxTriedBy = 10_000      // pairs of account and address that are remembered
)

// A throttle slows down whoever guesses passwords. It counts by account and
// address together: by account alone it would let anybody lock its owner out,
// and by address alone it would punish an office for one of its people. The zero
// value is ready to use, and safe for concurrent use.
type throttle struct {
	mu    sync.Mutex
	tried map[triedBy]*rate.Limiter
}

// A triedBy stands for an account and an address, in 32 bytes however long the
// email is that somebody sends.
type triedBy [sha256.Size]byte

func tries(email string, addr netip.Addr) triedBy {
	if addr.Is6() { // who has one address of a network has all of it
		network, _ := addr.WithZone("").Prefix(64)
		addr = network.Addr()
	}
	return sha256.Sum256([]byte(strings.ToLower(email) + "\x00" + addr.String()))
}

// try takes one try, before the password is looked at, so that many at once do
// not count as one. If none is left it returns how long to wait for the next.
func (t *throttle) try(email string, addr netip.Addr) time.Duration {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	key := tries(email, addr)
	l := t.tried[key]
	if l == nil {
		t.makeRoom(now)
		l = rate.NewLimiter(rate.Every(tryAgain), freeTries)
		t.tried[key] = l
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// forget is for the right password.
func (t *throttle) forget(email string, addr netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tried, tries(email, addr))
}

// makeRoom bounds what is remembered: first what has been quiet for long enough
// goes, then anything. To be forgotten that way costs a guesser more tries than
// it gains.
func (t *throttle) makeRoom(now time.Time) {
	if t.tried == nil {
		t.tried = map[triedBy]*rate.Limiter{}
	}
	if len(t.tried) < maxTriedBy {
		return
	}
	for key, l := range t.tried {
		if l.TokensAt(now) >= freeTries {
			delete(t.tried, key)
		}
	}
	for key := range t.tried {
		if len(t.tried) < maxTriedBy {
			break
		}
		delete(t.tried, key)
	}
}
