package store

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Memory is a [Store] in the memory of one process. It is for tests, and for
// services that run as one process and can lose every credential when it ends. The
// zero value is an empty store, ready to use.
//
// It is safe for concurrent use. Find takes no lock, so it never waits for
// another call. While a Rotate, or a Revoke of several credentials, is running,
// Find may return the new version of one row and the old version of another. Rows
// that have ended stay until Prune removes them: call it regularly, or the store
// grows without bound.
//
// A Memory must not be copied after first use.
type Memory struct {
	_ [0]func() // not comparable, so that fields can be added later

	table atomic.Pointer[table] // by digest; nil while empty

	mu       sync.RWMutex // guards the maps, and writes to table
	ids      map[string]*Credential
	accounts map[string]*account // by subject
}

var (
	_ Store   = (*Memory)(nil)
	_ Scanner = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory { return new(Memory) }

// Find implements [Finder]. It allocates nothing.
func (m *Memory) Find(ctx context.Context, k Kind, d Digest) (*Credential, error) {
	if t := m.table.Load(); t != nil {
		if _, c := t.at(&d); c != nil && c.Kind == k {
			return c, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, ErrNotFound
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, id string) (*Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.get(id)
}

func (m *Memory) get(id string) (*Credential, error) {
	if c := m.ids[id]; c != nil {
		return c, nil
	}
	return nil, ErrNotFound
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, q Query) ([]*Credential, Cursor, error) {
	if err := cmp.Or(q.Validate(), ctx.Err()); err != nil {
		return nil, "", err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	limit := cmp.Or(q.Limit, DefaultLimit)
	var page []*Credential
	for c := range m.selected(q) {
		if len(page) == limit {
			return page, NewCursor(page[limit-1]), nil
		}
		page = append(page, c)
	}
	return page, "", nil
}

// selected yields the rows of all pages after q.After, newest first.
func (m *Memory) selected(q Query) iter.Seq[*Credential] {
	a, now := m.accounts[q.Subject], time.Now()
	var newest []*Credential
	if q.Active {
		newest = a.live(now)
	} else {
		newest = a.created(q.Kind, q.ClientID, time.Time{})
	}
	after := &Credential{}
	after.CreatedAt, after.ID, _ = q.After.Position() // Validate has checked it
	if q.After != "" && !q.Active {
		after.Kind, after.ClientID = q.Kind, q.ClientID
		i, _ := slices.BinarySearchFunc(newest, after, byCreation)
		newest = newest[:i]
	}
	return func(yield func(*Credential) bool) {
		for i := range newest {
			c := newest[i]
			if !q.Active {
				c = newest[len(newest)-1-i] // created returns the oldest first
			}
			if q.After != "" && oldestFirst(c, after) >= 0 || !q.Match(c, now) {
				continue
			}
			if !yield(c) {
				return
			}
		}
	}
}

// Scan implements [Scanner]. It yields the rows as they were when the iteration
// began.
func (m *Memory) Scan(ctx context.Context, f ScanFilter) iter.Seq2[*Credential, error] {
	return func(yield func(*Credential, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		var rows []*Credential
		if t := m.table.Load(); t != nil {
			rows = t.rows()
		}
		now := time.Now()
		for _, c := range rows {
			if f.Match(c, now) && !yield(c, nil) {
				return
			}
		}
	}
}
