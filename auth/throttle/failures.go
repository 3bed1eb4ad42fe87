package throttle

import (
	"hash/maphash"
	"sync"
	"time"
)

// failures holds the buckets of clients, in a fixed number of sets, each with
// room for a few clients and a lock of its own. A bucket is one number: when it
// will be full again if nothing more fails (the generic cell rate algorithm, by
// which a token bucket is kept without a timer). One that is full is vacant.
type failures struct {
	seed maphash.Seed // random, so that nobody chooses who shares a set
	sets []set
}

const ways = 16

// maxOwed bounds for how long a client is blocked for what failed at once: no less
// than an Interval may be, and enough to keep a guesser with a thousand connections
// to about the rate of one.
const maxOwed = maxInterval

type set struct {
	mu      sync.Mutex
	clients [ways]client
	full    [ways]time.Duration
}

func newFailures(clients int) failures {
	return failures{maphash.MakeSeed(), make([]set, (clients+ways-1)/ways)}
}

// full returns when c's bucket will be full.
func (f *failures) full(c client) time.Duration {
	s := f.set(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.clients {
		if s.clients[i] == c {
			return s.full[i]
		}
	}
	return 0
}

// add takes one out of c's bucket, which has interval between two and spare room
// above the first, and returns when it will be full.
func (f *failures) add(c client, now, interval, spare time.Duration) time.Duration {
	s := f.set(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(c)
	full := now + interval
	if s.clients[i] == c && s.full[i] > now {
		full = s.full[i] + interval
		// What was let through together and finds the bucket empty is owed:
		// else who guesses many at a time would make many times the guesses.
		// A Shared may have said more.
		full = max(s.full[i], min(full, now+spare+maxOwed))
	}
	s.put(i, c, full)
	return full
}

// raise makes c's bucket be full no sooner than full.
func (f *failures) raise(c client, now, full time.Duration) time.Duration {
	s := f.set(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(c)
	if s.clients[i] == c && s.full[i] > now {
		full = max(full, s.full[i])
	}
	s.put(i, c, full)
	return full
}

func (f *failures) set(c client) *set {
	return &f.sets[maphash.Bytes(f.seed, c[:])%uint64(len(f.sets))]
}

// find returns where c is or, if it is not there, the place of the client that
// has failed the least.
func (s *set) find(c client) int {
	least := 0
	for i := range s.clients {
		if s.clients[i] == c {
			return i
		}
		if s.full[i] < s.full[least] {
			least = i
		}
	}
	return least
}

// put sets the bucket at i to c's, unless it is of another client that has
// failed as much: nobody is forgotten for those who have failed less.
func (s *set) put(i int, c client, full time.Duration) {
	if s.clients[i] == c || s.full[i] < full {
		s.clients[i], s.full[i] = c, full
	}
}
