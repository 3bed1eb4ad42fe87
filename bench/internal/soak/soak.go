// Package soak puts a service under mixed load while its store fails, and proves
// by a ledger of what was acknowledged that the service keeps its word:
//
//   - nothing is accepted after its end was acknowledged. Revocations go through
//     the one process that serves, so this holds at once, with a cache too;
//   - nothing acknowledged is lost;
//   - a token has one successor, however many rotate it at once;
//   - a token that is valid is never refused by 401: an outage is a 503 with
//     Retry-After;
//   - the service is available again within seconds of each fault;
//   - its memory and goroutines do not grow.
//
// A write whose answer was lost may have been made or not, or be made yet. From
// then on the ledger allows both, until a 401 or the rows at the end tell. What
// is allowed both ways proves nothing, so the report says how much that was, and
// too much of it is a failure as well.
//
// The clients and the ledger are one process, the service is another one.
package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Engines are the stores that there are services on.
var Engines = []string{"memory", "sqlite", "postgres", "postgres+cache", "redis", "redis+cache"}

// A Plan says how long and how much.
type Plan struct {
	For     time.Duration // at least; each fault is injected once however short it is
	Clients int
	Pause   time.Duration // of a client between two steps, on average
	Seed    uint64
}

const (
	warmUp = 2 * time.Second
	grace  = 5 * time.Second  // after a fault: then the service must be available again
	settle = 3 * time.Second  // in which a write whose answer was lost may still be made
	keep   = 10 * time.Second // what has ended, where the store lives in memory

	// A step that fails without a fault after that long has met a machine that
	// is busy, or a disk that is. Few of them are forgiven.
	overload = 1500 * time.Millisecond

	few, many = 200, 400 // live tokens
)

// A service is what is put under load.
type service struct {
	name   string
	url    string
	faults []fault
	dies   bool // one of the faults kills the process that serves
	prunes bool // the store lives in memory: ended tokens are removed as a host would do it
	client doer
}

// A fault is injected and ended by inject. How long it takes is up to it.
type fault struct {
	name   string
	inject func(rng *rand.Rand) error
}

// Run soaks a service on an engine. It uses tb on the goroutine that calls it.
func Run(ctx context.Context, tb testing.TB, engine string, p Plan) (*Report, error) {
	s, err := start(tb, engine)
	if err != nil {
		return nil, err
	}
	return s.soak(ctx, p)
}

// soak returns an error only where it could not do its work. What the service
// did wrong is in the report.
func (s *service) soak(ctx context.Context, p Plan) (*Report, error) {
	l := newLedger(s, p)
	if err := l.populate(); err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i := range p.Clients {
		c := &client{ledger: l, number: i + 1, rng: rand.New(rand.NewPCG(p.Seed, uint64(i+1)))}
		wait.Go(func() { c.run(ctx) })
	}
	if s.prunes {
		wait.Go(func() { s.prune(ctx) })
	}
	sleep(ctx, warmUp)
	before, err := s.usage()
	if err != nil {
		return nil, err
	}
	if err := s.injectFaults(ctx, l, p); err != nil {
		return nil, err
	}
	stop()
	wait.Wait()
	time.Sleep(settle) // nothing but time tells that a lost write will not be made
	if err := l.audit(); err != nil {
		return nil, err
	}
	after, err := s.usage()
	if err != nil {
		return nil, err
	}
	return l.finish(before, after), nil
}

// injectFaults injects each fault, in random order, again and again until the
// time is over.
func (s *service) injectFaults(ctx context.Context, l *ledger, p Plan) error {
	rng := rand.New(rand.NewPCG(p.Seed, 0))
	for end := time.Now().Add(p.For - warmUp); ; {
		for _, i := range rng.Perm(len(s.faults)) {
			f := s.faults[i]
			u, err := s.usage() // before the process is killed, perhaps
			if err != nil {
				return err
			}
			l.report.measured(u)
			l.weather.begin()
			err = f.inject(rng)
			l.weather.end()
			if err != nil {
				return err
			}
			l.report.Faults[f.name]++
			// Longer than grace, so that there is a time in which all must be well.
			sleep(ctx, grace+time.Second+upTo(rng, 2*time.Second))
			if ctx.Err() != nil {
				return nil
			}
		}
		if time.Now().After(end) {
			return nil
		}
	}
}

// prune removes what ended a while ago, every second. That it fails in an
// outage is what outages are.
func (s *service) prune(ctx context.Context) {
	for sleep(ctx, time.Second) {
		s.ask("POST", "/prune", "", order{})
	}
}

// sleep reports whether ctx is still not done after d.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// upTo returns a random duration from 0 to d.
func upTo(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d) + 1))
}
