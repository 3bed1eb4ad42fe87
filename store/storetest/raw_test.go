package storetest

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// A raw is a Memory whose rows can also be changed directly, without any checks.
type raw struct {
	mu  sync.RWMutex
	mem *store.Memory
	ids []string // of all rows that were ever inserted

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

func (r *raw) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, c.ID)
	ended, err := r.mem.Insert(ctx, c, l)
	if err == nil {
		r.report(append(ended, c.Digest)...)
	}
	return ended, err
}

// add is Insert without limits.
func (r *raw) add(ctx context.Context, c *store.Credential) error {
	_, err := r.Insert(ctx, c, store.Limits{})
	return err
}

func (r *raw) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.List(ctx, q)
}

func (r *raw) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, err := r.mem.Update(ctx, id, ch)
	if err == nil {
		r.report(c.Digest)
	}
	return c, err
}

func (r *raw) Erase(ctx context.Context, subject string) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var erased []store.Digest
	for _, c := range r.all() {
		if c.Subject == subject {
			erased = append(erased, c.Digest)
		}
	}
	n, err := r.mem.Erase(ctx, subject)
	if err == nil {
		r.report(erased...)
	}
	return n, err
}

func (r *raw) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Scan(ctx, f)
}

func (r *raw) Notify(ctx context.Context, d store.Digest) error {
	r.report(d)
	return ctx.Err()
}

func (r *raw) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ds, err := r.mem.Revoke(ctx, f, at)
	r.report(ds...)
	return ds, err
}

func (r *raw) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, next.ID)
	old, _ := r.mem.Get(context.Background(), id)
	err := r.mem.Rotate(ctx, id, until, next, l)
	if err == nil {
		r.report(old.Digest, next.Digest)
	}
	return err
}

// report reports changes to every Watch.
func (r *raw) report(ds ...store.Digest) {
	r.watchers.Range(func(changed, _ any) bool {
		for _, d := range ds {
			(*changed.(*func(store.Digest)))(d)
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
			mu.Lock() // waits for a report that is in progress
			defer mu.Unlock()
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (r *raw) Touch(ctx context.Context, uses []store.Use) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem.Touch(ctx, uses)
}

func (r *raw) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
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

// edit replaces the row with this ID, if there is one, by the result of change, or
// deletes it if that is nil. It checks nothing.
func (r *raw) edit(id string, change func(c *store.Credential) *store.Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	mem := store.NewMemory()
	for _, c := range r.all() {
		if c.ID == id {
			c = change(c.Clone())
		}
		if c != nil {
			mem.Insert(context.Background(), c, store.Limits{})
		}
	}
	r.mem = mem
}
