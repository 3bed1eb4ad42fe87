// Package scaling checks the numbers of docs/scaling.md by a simulation: nodes
// with package bearer and the real cache, before a store that is far away.
package scaling

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// beat is how often a node hears that the store is alive, as from PostgreSQL.
const beat = 240 * time.Millisecond

// A world is a store that nodes share.
type world struct {
	primary *store.Memory
	replica *store.Memory // of rows that have arrived there; nil: none

	roundTrip time.Duration // of each call
	news      time.Duration // from a change until a node hears of it
	lag       time.Duration // from a change until the replica has it

	requests, finds, touches atomic.Int64
	changed                  time.Time // when the last change could be seen in the primary

	mu    sync.Mutex
	lines []*line
}

// A line tells a node of changes.
type line struct {
	news  chan store.Digest
	lost  chan error
	muted atomic.Bool
}

// A node is a machine of the service.
type node struct {
	*bearer.Tokens
	world *world
	cache *cache.Cache
	line  *line
}

// node returns a new one. A watching one hears of changes.
func (w *world) node(t testing.TB, watching bool, maxStale, lastUsed time.Duration) *node {
	t.Helper()
	l := &line{news: make(chan store.Digest, 1000), lost: make(chan error)}
	var st store.Store = far{w, w.primary}
	if watching {
		st = watched{far{w, w.primary}, l}
	}
	c, err := cache.New(cache.Config{Store: st, MaxStale: maxStale, Entries: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: c, LastUsedInterval: lastUsed, Limit: -1, HourlyLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	return &node{tokens, w, c, l}
}

// far is the store of a world as a node sees it.
type far struct {
	w *world
	store.Store
}

// call does f in the middle of a round trip.
func (w *world) call(ctx context.Context, f func() error) error {
	time.Sleep(w.roundTrip / 2)
	if err := ctx.Err(); err != nil {
		return err
	}
	err := f()
	time.Sleep(w.roundTrip / 2)
	return err
}

func (f far) Find(ctx context.Context, k store.Kind, d store.Digest) (c *store.Credential, err error) {
	f.w.finds.Add(1)
	from := f.w.primary
	if f.w.replica != nil {
		from = f.w.replica
	}
	err = f.w.call(ctx, func() (err error) {
		c, err = from.Find(ctx, k, d)
		return err
	})
	return c, err
}

func (f far) Insert(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
	err = f.w.call(ctx, func() (err error) {
		if f.w.replica != nil {
			if _, err := f.w.replica.Insert(ctx, c, l); err != nil { // with no lag: of no interest here
				return err
			}
		}
		ended, err = f.w.primary.Insert(ctx, c, l)
		return err
	})
	return ended, err
}

func (f far) Revoke(ctx context.Context, filter store.Filter, at time.Time) (changed []store.Digest, err error) {
	err = f.w.call(ctx, func() (err error) {
		changed, err = f.w.primary.Revoke(ctx, filter, at)
		f.w.changed = time.Now()
		if f.w.replica != nil {
			time.AfterFunc(f.w.lag, func() { f.w.replica.Revoke(context.Background(), filter, at) })
		}
		time.AfterFunc(f.w.news, func() { f.w.tell(changed) })
		return err
	})
	return changed, err
}

func (f far) Touch(ctx context.Context, uses []store.Use) error {
	if f.w.replica != nil {
		return errors.ErrUnsupported
	}
	return f.w.call(ctx, func() error {
		f.w.touches.Add(int64(len(uses)))
		return f.w.primary.Touch(ctx, uses)
	})
}

func (w *world) tell(changed []store.Digest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lines {
		for _, d := range changed {
			if !l.muted.Load() {
				l.news <- d
			}
		}
	}
}

// watched is far with news.
type watched struct {
	far
	line *line
}

func (s watched) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	if s.line.muted.Load() {
		return errors.New("connection refused")
	}
	s.w.mu.Lock()
	s.w.lines = append(s.w.lines, s.line)
	s.w.mu.Unlock()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	alive()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.line.lost:
			return err
		case d := <-s.line.news:
			changed(d)
		case <-tick.C:
			if !s.line.muted.Load() {
				alive()
			}
		}
	}
}

// verify reports whether the node accepts a token.
func (n *node) verify(t testing.TB, plaintext string) bool {
	_, err := n.Verify(t.Context(), plaintext, netip.Addr{})
	return err == nil
}

// issue returns new tokens.
func issue(t testing.TB, n *node, count int) []string {
	t.Helper()
	tokens := make([]string, count)
	for i := range tokens {
		plain, _, err := n.Issue(t.Context(), bearer.Request{Subject: "ada", Lifetime: 365 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		tokens[i] = plain.Reveal()
	}
	return tokens
}

// requests has the node verify one of the tokens at a time, at random, rate
// times a second, for so long.
func (n *node) requests(t testing.TB, random *rand.Rand, tokens []string, rate float64, length time.Duration) {
	var wait sync.WaitGroup
	end := time.Now().Add(length)
	for {
		time.Sleep(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
		if !time.Now().Before(end) {
			break
		}
		n.world.requests.Add(1)
		plaintext := tokens[random.IntN(len(tokens))]
		wait.Go(func() {
			if !n.verify(t, plaintext) {
				t.Error("a good token was refused")
			}
		})
	}
	wait.Wait()
}
