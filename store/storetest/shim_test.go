package storetest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// A raw is a Memory that can also be written to behind the back of its rules.
type raw struct {
	mu  sync.RWMutex
	mem *store.Memory
	ids []string // of all rows that ever were

	watchers sync.Map // of a *func(store.Digest), nothing
}

func newRaw() *raw { return &raw{mem: store.NewMemory()} }

func (r *raw) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Find(ctx, k, d)
}

func (r *raw) Get(ctx context.Context, id string) (*store.Credential, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Get(ctx, id)
}

func (r *raw) Insert(ctx context.Context, c *store.Credential, limit int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, c.ID)
	err := r.mem.Insert(ctx, c, limit)
	if err == nil {
		r.tell(c.Digest)
	}
	return err
}

func (r *raw) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.List(ctx, f)
}

func (r *raw) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ds, err := r.mem.Revoke(ctx, f, at)
	r.tell(ds...)
	return ds, err
}

func (r *raw) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, next.ID)
	old, _ := r.mem.Get(context.Background(), id)
	err := r.mem.Rotate(ctx, id, until, next)
	if err == nil {
		r.tell(old.Digest, next.Digest)
	}
	return err
}

// tell reports changes to every Watch.
func (r *raw) tell(ds ...store.Digest) {
	r.watchers.Range(func(report, _ any) bool {
		for _, d := range ds {
			(*report.(*func(store.Digest)))(d)
		}
		return true
	})
}

func (r *raw) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	var mu sync.Mutex // one call at a time
	report := func(d store.Digest) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			changed(d)
		}
	}
	r.watchers.Store(&report, nil)
	defer r.watchers.Delete(&report)
	for {
		mu.Lock()
		alive()
		mu.Unlock()
		select {
		case <-ctx.Done():
			mu.Lock() // whoever is reporting has done so
			defer mu.Unlock()
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (r *raw) Touch(ctx context.Context, id string, at time.Time) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Touch(ctx, id, at)
}

func (r *raw) Prune(ctx context.Context, before time.Time) (int, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Prune(ctx, before)
}

// rows returns every row, in the order in which they were inserted.
func (r *raw) rows() []*store.Credential {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all()
}

func (r *raw) all() []*store.Credential {
	var rows []*store.Credential
	seen := make(map[string]bool)
	for _, id := range r.ids {
		if c, err := r.mem.Get(context.Background(), id); err == nil && !seen[id] {
			seen[id] = true
			rows = append(rows, c)
		}
	}
	return rows
}

// edit exchanges the row with this ID, where there is one, for what change
// returns: another version, or nil for none. It goes by no rule.
func (r *raw) edit(id string, change func(c *store.Credential) *store.Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	mem := store.NewMemory()
	for _, c := range r.all() {
		if c.ID == id {
			c = change(c.Clone())
		}
		if c != nil {
			mem.Insert(context.Background(), c, 0)
		}
	}
	r.mem = mem
}

// A mutable is a raw store of which single methods can be replaced, each by one
// with a fault.
type mutable struct {
	*raw
	find   func(context.Context, store.Kind, store.Digest) (*store.Credential, error)
	get    func(context.Context, string) (*store.Credential, error)
	insert func(context.Context, *store.Credential, int) error
	list   func(context.Context, store.Filter) ([]*store.Credential, error)
	revoke func(context.Context, store.Filter, time.Time) ([]store.Digest, error)
	rotate func(context.Context, string, time.Time, *store.Credential) error
	touch  func(context.Context, string, time.Time) error
	prune  func(context.Context, time.Time) (int, error)
	watch  func(context.Context, func(), func(store.Digest)) error
}

// newMutable returns a store without a fault.
func newMutable() *mutable {
	r := newRaw()
	return &mutable{r, r.Find, r.Get, r.Insert, r.List, r.Revoke, r.Rotate, r.Touch, r.Prune, r.Watch}
}

func (m *mutable) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	return m.find(ctx, k, d)
}

func (m *mutable) Get(ctx context.Context, id string) (*store.Credential, error) {
	return m.get(ctx, id)
}

func (m *mutable) Insert(ctx context.Context, c *store.Credential, limit int) error {
	return m.insert(ctx, c, limit)
}

func (m *mutable) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	return m.list(ctx, f)
}

func (m *mutable) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	return m.revoke(ctx, f, at)
}

func (m *mutable) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	return m.rotate(ctx, id, until, next)
}

func (m *mutable) Touch(ctx context.Context, id string, at time.Time) error {
	return m.touch(ctx, id, at)
}

func (m *mutable) Prune(ctx context.Context, before time.Time) (int, error) {
	return m.prune(ctx, before)
}

func (m *mutable) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return m.watch(ctx, alive, changed)
}

// onWrite makes all rows that the store is given differ from what they
// should be.
func (m *mutable) onWrite(change func(*store.Credential)) {
	m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
		c = c.Clone()
		change(c)
		return m.raw.Insert(ctx, c, limit)
	}
	m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
		next = next.Clone()
		change(next)
		return m.raw.Rotate(ctx, id, until, next)
	}
}

// onRead makes all rows that the store returns differ from what they are.
func (m *mutable) onRead(change func(*store.Credential)) {
	changed := func(c *store.Credential, err error) (*store.Credential, error) {
		if err != nil {
			return nil, err
		}
		c = c.Clone()
		change(c)
		return c, nil
	}
	m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
		return changed(m.raw.Find(ctx, k, d))
	}
	m.get = func(ctx context.Context, id string) (*store.Credential, error) {
		return changed(m.raw.Get(ctx, id))
	}
	m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
		rows, err := m.raw.List(ctx, f)
		for i := range rows {
			rows[i], _ = changed(rows[i], nil)
		}
		return rows, err
	}
}

// pause lets other goroutines go on: what was read before it is used after they
// have had their turn. It makes a race that is possible a likely one, and waits
// for nobody, so that a lone caller passes.
func pause() {
	for range 100 {
		runtime.Gosched()
	}
}
