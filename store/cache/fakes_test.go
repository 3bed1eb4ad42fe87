package cache_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A machine stands for one process that shares a store with others. It wraps a
// Memory, counts lookups, and can fail on demand.
type machine struct {
	*store.Memory
	others []*line // the lines that report its changes

	finds   atomic.Int64
	find    func(ctx context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) // replaces ask
	writing func()                                                                                      // called before each write
	visible func(changed []store.Digest)                                                                // called when a write is visible
	written func() error                                                                                // called before a write returns
}

func (m *machine) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	m.finds.Add(1)
	ask := func() (*store.Credential, error) { return m.Memory.Find(ctx, k, d) }
	if m.find != nil {
		return m.find(ctx, ask)
	}
	return ask()
}

func (m *machine) begin() {
	if m.writing != nil {
		m.writing()
	}
}

func (m *machine) wrote(err error, changed ...store.Digest) error {
	if err == nil {
		if m.visible != nil {
			m.visible(changed)
		}
		for _, l := range m.others {
			l.tell(changed...)
		}
		if m.written != nil {
			err = m.written()
		}
	}
	return err
}

func (m *machine) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	m.begin()
	ended, err := m.Memory.Insert(ctx, c, l)
	return ended, m.wrote(err, append(ended, c.Digest)...)
}

func (m *machine) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	m.begin()
	c, err := m.Memory.Update(ctx, id, ch)
	if err != nil {
		return nil, err
	}
	return c, m.wrote(nil, c.Digest)
}

func (m *machine) Erase(ctx context.Context, subject string) (int, error) {
	m.begin()
	changed, _ := m.Memory.Revoke(ctx, store.Filter{Subject: subject}, time.Now())
	n, err := m.Memory.Erase(ctx, subject)
	return n, m.wrote(err, changed...)
}

func (m *machine) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	m.begin()
	changed, err := m.Memory.Revoke(ctx, f, at)
	if err := m.wrote(err, changed...); err != nil {
		return nil, err
	}
	return changed, nil
}

func (m *machine) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	m.begin()
	err := m.Memory.Rotate(ctx, id, until, next, l)
	if err != nil {
		return err
	}
	old, err := m.Memory.Get(ctx, id)
	return m.wrote(err, old.Digest, next.Digest)
}

func (m *machine) Touch(ctx context.Context, uses []store.Use) error {
	m.begin()
	return m.wrote(m.Memory.Touch(ctx, uses))
}

func (m *machine) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	m.begin()
	return m.Memory.Prune(ctx, before)
}

// A watched is a machine that is a Watcher. A line reports the changes.
type watched struct {
	*machine
	line *line
}

func (w watched) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return w.line.watch(ctx, alive, changed)
}

func (w watched) Notify(_ context.Context, d store.Digest) error {
	for _, l := range w.others {
		l.tell(d)
	}
	return nil
}

// A line tells of changes, and can be made to fail. The zero value works.
type line struct {
	mu      sync.Mutex
	pending []news
	silent  bool // notifications and heartbeats are lost, without an error
	open    bool
	watches int

	refuse  func() error                     // called when a watch begins
	telling func(store.Digest) (told func()) // called for each notification; told is called when it has arrived
	latency func() time.Duration             // of one notification
	lost    chan error                       // ends a watch
}

type news struct {
	digest store.Digest
	told   func()
}

func newLine() *line { return &line{lost: make(chan error)} }

func (l *line) tell(ds ...store.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open && !l.silent {
		for _, d := range ds {
			n := news{digest: d}
			if l.telling != nil {
				n.told = l.telling(d)
			}
			l.pending = append(l.pending, n)
		}
	}
}

func (l *line) mute(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = silent
}

func (l *line) begun() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watches
}

// watch reports changes every 10 ms and calls alive every 500 ms.
func (l *line) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	l.mu.Lock()
	l.watches++
	refuse := l.refuse
	l.mu.Unlock()
	if refuse != nil {
		if err := refuse(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.open, l.pending = true, nil
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open = false
	}()
	alive()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.lost:
			return err
		case <-tick.C:
		}
		l.mu.Lock()
		arrived, silent := slices.Clone(l.pending), l.silent
		l.pending = nil
		l.mu.Unlock()
		for _, n := range arrived {
			if l.latency != nil {
				time.Sleep(l.latency())
			}
			changed(n.digest)
			if n.told != nil {
				n.told()
			}
		}
		if i%50 == 0 && !silent {
			alive()
		}
	}
}

// token returns a credential with this ID.
func token(id string) *store.Credential {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return &store.Credential{
		ID: id, Kind: store.KindToken, Digest: sha256.Sum256([]byte(id)), Subject: "subject of " + id,
		Family: "family of " + id, ClientID: "client of " + id, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
}

// after returns a successor of c with this ID.
func after(c *store.Credential, id string) *store.Credential {
	next := token(id)
	next.Subject = c.Subject
	return next
}

// use returns a use of the credential with this ID.
func use(id string, at time.Time) []store.Use { return []store.Use{{ID: id, At: at}} }

// add inserts c without limits.
func add(ctx context.Context, st store.Store, c *store.Credential) error {
	_, err := st.Insert(ctx, c, store.Limits{})
	return err
}

// prunable selects all credentials that end within two days.
func prunable() store.PruneBefore {
	t := time.Now().Add(48 * time.Hour)
	return store.PruneBefore{Ended: t, Rotated: t}
}

// rename returns changes that are visible in the row that Find returns.
func rename(name string) store.Changes { return store.Changes{Name: &name} }

func newCache(t testing.TB, cfg cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A pair is two machines on one store, each with a Cache. The Cache under test is
// embedded, and its machine is here, which may be watched. Other processes write
// through there.
type pair struct {
	memory *store.Memory
	here   *machine
	line   *line
	there  *cache.Cache
	*cache.Cache
	t testing.TB
}

func newPair(t testing.TB, isWatched bool, cfg cache.Config) *pair {
	p := &pair{memory: store.NewMemory(), line: newLine(), t: t}
	p.here = &machine{Memory: p.memory, others: []*line{p.line}}
	cfg.Store = p.here
	if isWatched {
		cfg.Store = watched{p.here, p.line}
	}
	p.Cache = newCache(t, cfg)
	p.there = newCache(t, cache.Config{Store: &machine{Memory: p.memory, others: []*line{p.line}}})
	synctest.Wait()
	return p
}

func (p *pair) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// insert adds tokens directly to the memory, so that neither cache learns of them.
func (p *pair) insert(ids ...string) {
	p.t.Helper()
	for _, id := range ids {
		_, err := p.memory.Insert(p.t.Context(), token(id), store.Limits{})
		p.must(err)
	}
}

// revoke revokes a token through st.
func (p *pair) revoke(st store.Store, id string) {
	p.t.Helper()
	_, err := st.Revoke(p.t.Context(), store.Filter{ID: id}, time.Now())
	p.must(err)
}

// state returns the state in which Find returns a token.
func (p *pair) state(id string) string {
	return state(p.Find(p.t.Context(), store.KindToken, token(id).Digest))
}

func state(c *store.Credential, err error) string {
	switch {
	case (c == nil) == (err == nil):
		return "neither a row nor an error, or both"
	case errors.Is(err, store.ErrNotFound):
		return "unknown"
	case err != nil:
		return err.Error()
	case !c.RevokedAt.IsZero():
		return "revoked"
	case !c.RotatedAt.IsZero():
		return "rotated"
	case c.Name != "":
		return "renamed"
	case !c.LastUsedAt.IsZero():
		return "used"
	}
	return "good"
}

// is checks the state in which Find returns a token.
func (p *pair) is(id, want string) {
	p.t.Helper()
	if got := p.state(id); got != want {
		p.t.Errorf("%s: %s, want %s", id, got, want)
	}
}

// asked checks that f causes n lookups in the store.
func (p *pair) asked(n int64, f func()) {
	p.t.Helper()
	before := p.here.finds.Load()
	f()
	if got := p.here.finds.Load() - before; got != n {
		p.t.Errorf("the store was asked %d times, want %d", got, n)
	}
}

// bubble runs f in a synctest bubble, once without a Watcher and once with one.
func bubble(t *testing.T, f func(t *testing.T, isWatched bool)) {
	for _, isWatched := range []bool{false, true} {
		name := "alone"
		if isWatched {
			name = "watched"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, isWatched) })
		})
	}
}
