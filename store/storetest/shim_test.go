package storetest

import (
	"context"
	"iter"
	"runtime"
	"time"

	"github.com/keystile/keystile/store"
)

// A mutable is a raw store whose methods can be replaced by faulty ones.
type mutable struct {
	*raw
	find   func(context.Context, store.Kind, store.Digest) (*store.Credential, error)
	get    func(context.Context, string) (*store.Credential, error)
	insert func(context.Context, *store.Credential, store.Limits) ([]store.Digest, error)
	list   func(context.Context, store.Query) ([]*store.Credential, store.Cursor, error)
	update func(context.Context, string, store.Changes) (*store.Credential, error)
	revoke func(context.Context, store.Filter, time.Time) ([]store.Digest, error)
	rotate func(context.Context, string, time.Time, *store.Credential, store.Limits) error
	touch  func(context.Context, []store.Use) error
	prune  func(context.Context, store.PruneBefore) (int, error)
	erase  func(context.Context, string) (int, error)
	scan   func(context.Context, store.ScanFilter) iter.Seq2[*store.Credential, error]
	watch  func(context.Context, func(), func(store.Digest)) error
	notify func(context.Context, store.Digest) error
}

// newMutable returns a correct store.
func newMutable() *mutable {
	r := newRaw()
	return &mutable{r, r.Find, r.Get, r.Insert, r.List, r.Update, r.Revoke, r.Rotate, r.Touch, r.Prune, r.Erase, r.Scan, r.Watch, r.Notify}
}

func (m *mutable) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	return m.find(ctx, k, d)
}

func (m *mutable) Get(ctx context.Context, id string) (*store.Credential, error) {
	return m.get(ctx, id)
}

func (m *mutable) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	return m.insert(ctx, c, l)
}

func (m *mutable) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	return m.list(ctx, q)
}

func (m *mutable) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	return m.update(ctx, id, ch)
}

func (m *mutable) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	return m.revoke(ctx, f, at)
}

func (m *mutable) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	return m.rotate(ctx, id, until, next, l)
}

func (m *mutable) Touch(ctx context.Context, uses []store.Use) error { return m.touch(ctx, uses) }

func (m *mutable) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	return m.prune(ctx, before)
}

func (m *mutable) Erase(ctx context.Context, subject string) (int, error) {
	return m.erase(ctx, subject)
}

func (m *mutable) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	return m.scan(ctx, f)
}

func (m *mutable) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return m.watch(ctx, alive, changed)
}

func (m *mutable) Notify(ctx context.Context, d store.Digest) error { return m.notify(ctx, d) }

// onInsert replaces Insert by a function that ends no credentials.
func (m *mutable) onInsert(insert func(context.Context, *store.Credential, store.Limits) error) {
	m.insert = func(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
		return nil, insert(ctx, c, l)
	}
}

// onUse replaces Touch by a function that is called for each use.
func (m *mutable) onUse(touch func(ctx context.Context, id string, at time.Time, u store.Use) error) {
	m.touch = func(ctx context.Context, uses []store.Use) error {
		for _, u := range uses {
			if err := touch(ctx, u.ID, u.At.UTC().Truncate(time.Microsecond), u); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
}

// onWrite changes all rows before the store keeps them.
func (m *mutable) onWrite(change func(*store.Credential)) {
	m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
		c = c.Clone()
		change(c)
		return m.raw.add(ctx, c)
	})
	m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
		next = next.Clone()
		change(next)
		return m.raw.Rotate(ctx, id, until, next, l)
	}
}

// onRead changes all rows that the store returns.
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
	m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
		rows, next, err := m.raw.List(ctx, q)
		for i := range rows {
			rows[i], _ = changed(rows[i], nil)
		}
		return rows, next, err
	}
}

// matched returns the rows that f selects, live or not.
func (m *mutable) matched(f store.Filter) []*store.Credential {
	return where(m.rows(), func(c *store.Credential) bool { return f.Match(c) })
}

// pause lets other goroutines run between a read and the write that uses it. It
// makes a possible race likely, but does not wait for another goroutine.
func pause() {
	for range 100 {
		runtime.Gosched()
	}
}
