package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A stage is a part of the life of a credential. A lookup must not return an earlier
// stage than its caller already knows.
type stage int

const (
	unknown stage = iota
	good
	rotated
	revoked
)

func stageOf(c *store.Credential, err error) stage {
	switch {
	case err != nil:
		return unknown
	case !c.RevokedAt.IsZero():
		return revoked
	case !c.RotatedAt.IsZero():
		return rotated
	}
	return good
}

// A model has two caches on one store, and records the true stages.
type model struct {
	t        *testing.T
	memory   *store.Memory
	maxStale time.Duration
	nodes    [2]*node
	ended    context.Context

	mu   sync.Mutex
	ids  []string                                 // of credentials that were inserted, or will be soon
	seen map[store.Digest]*[revoked + 1]time.Time // when each stage became visible

	served, stale int
}

// A node is one of the caches, with the stages that its callers know.
type node struct {
	*cache.Cache
	line  *line
	known map[store.Digest]stage // because a write returned or a notification arrived; guarded by model.mu
}

func (m *model) now(d store.Digest) stage {
	return stageOf(m.memory.Find(context.Background(), store.KindToken, d))
}

// learn is called when the callers of n have learned of a stage.
func (m *model) learn(n *node, d store.Digest, s stage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.known[d] = max(n.known[d], s)
}

// pick returns the ID of one of the latest credentials.
func (m *model) pick() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids[max(0, len(m.ids)-1-rand.IntN(6))]
}

// fresh returns a credential that is not inserted yet. Others may look it up already.
func (m *model) fresh() *store.Credential {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := token(fmt.Sprint(len(m.ids)))
	m.ids = append(m.ids, c.ID)
	return c
}

func nap(atMost time.Duration) { time.Sleep(rand.N(atMost)) }

// find looks up a credential in n and checks its stage. R1 R2 B5
func (m *model) find(n *node) {
	id := m.pick()
	d := token(id).Digest
	m.mu.Lock()
	began, least := time.Now(), n.known[d]
	m.mu.Unlock()
	c, err := n.Find(m.ended, store.KindToken, d)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return
	}
	got := stageOf(c, err)
	bound := 2500 * time.Millisecond
	if got != unknown {
		bound = max(bound, m.maxStale)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.served++
	if got < least {
		m.t.Errorf("%s: stage %d, which was known to be %d when Find began", id, got, least)
	}
	if seen := m.seen[d]; seen != nil {
		for s := got + 1; s <= revoked; s++ {
			if seen[s].IsZero() || seen[s].After(began) {
				continue
			}
			m.stale++
			if age := began.Sub(seen[s]); age >= bound {
				m.t.Errorf("%s: stage %d, %v after it was %d, want at most %v", id, got, age, s, bound)
			}
		}
	}
}

// write makes a random change through n.
func (m *model) write(n *node) {
	ctx := context.Background()
	id := m.pick()
	c, err := m.memory.Get(ctx, id)
	exists := err == nil
	if !exists {
		c = token(id)
	}
	switch rand.IntN(10) {
	case 0, 1:
		next := m.fresh()
		if _, err := n.Insert(ctx, next, store.Limits{}); err == nil {
			m.learn(n, next.Digest, good)
		}
	case 2, 3:
		next := m.fresh()
		next.Subject, next.Family, next.ClientID = c.Subject, c.Family, c.ClientID
		if n.Rotate(ctx, id, time.Now().Add(time.Hour), next, store.Limits{}) == nil {
			m.learn(n, c.Digest, rotated)
			m.learn(n, next.Digest, good)
		}
	case 4, 5:
		f := []store.Filter{{ID: id}, {Subject: c.Subject}, {Subject: c.Subject, ClientID: c.ClientID}, {Subject: c.Subject, Family: c.Family}}[rand.IntN(4)]
		if _, err := n.Revoke(ctx, f, time.Now()); err == nil && exists {
			m.learn(n, c.Digest, revoked)
		}
	case 6:
		n.Update(ctx, id, rename("")) // must not undo a revocation
	case 7: // ends the oldest and returns their digests
		next := m.fresh()
		next.Subject, next.ClientID = c.Subject, c.ClientID
		if ended, err := n.Insert(ctx, next, store.Limits{Active: 1, EndOldest: true}); err == nil {
			for _, d := range ended {
				m.learn(n, d, revoked)
			}
			m.learn(n, next.Digest, good)
		}
	default:
		n.Touch(ctx, use(id, time.Now()))
	}
}

// interrupt interrupts the notifications of l again and again until ctx is done, with
// an error or silently.
func interrupt(ctx context.Context, l *line) {
	for ctx.Err() == nil {
		nap(6 * time.Second)
		if rand.IntN(2) == 0 {
			l.mute(true)
			nap(6 * time.Second)
		}
		select {
		case l.lost <- errors.New("connection reset"):
		case <-ctx.Done():
		}
		l.mute(false)
	}
}

func (m *model) run() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	m.ended = ctx
	m.seen = make(map[store.Digest]*[revoked + 1]time.Time)
	m.memory = store.NewMemory()
	for i := range m.nodes {
		m.nodes[i] = &node{line: newLine(), known: make(map[store.Digest]stage)}
	}
	for _, n := range m.nodes {
		n.line.latency = func() time.Duration { return rand.N(20 * time.Millisecond) }
		n.line.telling = func(d store.Digest) func() {
			s := m.now(d)
			return func() { m.learn(n, d, s) }
		}
		mc := &machine{Memory: m.memory, others: []*line{m.nodes[0].line, m.nodes[1].line}}
		mc.visible = func(changed []store.Digest) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, d := range changed {
				if m.seen[d] == nil {
					m.seen[d] = new([revoked + 1]time.Time)
				}
				if s := m.now(d); m.seen[d][s].IsZero() {
					m.seen[d][s] = time.Now()
				}
			}
		}
		mc.written = func() error {
			nap(200 * time.Millisecond)
			if rand.IntN(10) == 0 {
				return errors.New("the answer was lost")
			}
			return nil
		}
		mc.find = func(ctx context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) {
			nap(50 * time.Millisecond)
			c, err := ask()
			nap([]time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 4 * time.Second}[rand.IntN(3)])
			if rand.IntN(20) == 0 {
				return nil, errors.New("connection reset")
			}
			return c, err
		}
		n.Cache = newCache(m.t, cache.Config{Store: watched{mc, n.line}, MaxStale: m.maxStale})
	}
	m.fresh()
	var done sync.WaitGroup
	for _, n := range m.nodes {
		done.Go(func() { interrupt(m.ended, n.line) })
		for range 2 {
			done.Go(func() {
				for ctx.Err() == nil {
					nap(500 * time.Millisecond)
					m.write(n)
				}
			})
		}
		for range 8 {
			done.Go(func() {
				for ctx.Err() == nil {
					nap(100 * time.Millisecond)
					m.find(n)
				}
			})
		}
	}
	done.Wait()
	for _, n := range m.nodes {
		n.Close()
	}
	time.Sleep(10 * time.Second) // for canceled queries: this store ignores their contexts
}

// Under random concurrent calls and failures, no lookup returns an earlier stage than
// its caller knows, or a stage that ended longer ago than documented. R1 R2 B5
func TestModel(t *testing.T) {
	for _, maxStale := range []time.Duration{-1, time.Second, 5 * time.Second} {
		t.Run(fmt.Sprint("MaxStale ", maxStale), func(t *testing.T) {
			served, stale := 0, 0
			for range 5 {
				synctest.Test(t, func(t *testing.T) {
					m := &model{t: t, maxStale: maxStale}
					m.run()
					served, stale = served+m.served, stale+m.stale
				})
			}
			t.Logf("%d lookups, %d of them returned an earlier stage", served, stale)
			if stale == 0 {
				t.Error("no lookup returned an earlier stage, so the test proves nothing")
			}
		})
	}
}
