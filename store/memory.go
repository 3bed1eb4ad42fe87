package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Memory is a [Store] in the memory of one process: for services that run as
// one process and can afford to lose every credential when it ends, and for
// tests. The zero value is an empty store, ready to use.
//
// It is safe for concurrent use. Find takes no lock, so neither readers nor
// writers hold it up; while a Rotate, or a Revoke of several, runs, it may see
// one of the rows as it will be and another as it was. What is expired or
// revoked stays until Prune removes it: call that from time to time, or the
// store grows without bound.
//
// A Memory must not be copied after first use.
type Memory struct {
	_ [0]func() // no promise to be comparable

	table atomic.Pointer[table] // by digest; nil while empty

	mu   sync.RWMutex // writers of anything, readers of rows
	rows *rows        // nil while empty
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory { return new(Memory) }

var errNilMemory = errors.New("store: nil *Memory: NewMemory makes one")

// begin returns an error if a call is not to be made.
func (m *Memory) begin(ctx context.Context) error {
	if m == nil {
		return errNilMemory
	}
	return ctx.Err()
}

// Find implements [Finder]. It allocates nothing.
func (m *Memory) Find(ctx context.Context, k Kind, d Digest) (*Credential, error) {
	if m == nil {
		return nil, errNilMemory
	}
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
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.get(id)
}

func (m *Memory) get(id string) (*Credential, error) {
	if c := m.rows.get(id); c != nil {
		return c, nil
	}
	return nil, ErrNotFound
}

// Insert implements [Store].
func (m *Memory) Insert(ctx context.Context, c *Credential, limit int) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	c = c.normal()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.vacant(c); err != nil {
		return err
	}
	if limit > 0 {
		held := m.rows.selected(Filter{Kind: c.Kind, Subject: c.Subject, Active: true}, c.CreatedAt)
		if len(held) >= limit {
			return ErrLimit
		}
	}
	m.add(c)
	return nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, f Filter) ([]*Credential, error) {
	if err := errors.Join(f.Validate(), m.begin(ctx)); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	found := m.rows.selected(f, time.Now())
	if f.Before != "" {
		last, err := m.get(f.Before)
		if err != nil {
			return nil, fmt.Errorf("store: Filter.Before %q: %w", f.Before, err)
		}
		found = slices.DeleteFunc(found, func(c *Credential) bool { return newestFirst(last, c) >= 0 })
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(len(found), cmp.Or(f.Limit, DefaultLimit))], nil
}

func newestFirst(a, b *Credential) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// Revoke implements [Store].
func (m *Memory) Revoke(ctx context.Context, f Filter, at time.Time) ([]Digest, error) {
	if err := errors.Join(f.Validate(), m.begin(ctx)); err != nil {
		return nil, err
	}
	if f.Limit != 0 || f.Before != "" {
		return nil, errors.New("store: Revoke: Filter.Limit and Filter.Before must be zero")
	}
	if micro(at).IsZero() {
		return nil, errors.New("store: Revoke: at: zero: must be the time of the revocation")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var changed []Digest
	for _, c := range m.rows.selected(f, at) {
		if !c.RevokedAt.IsZero() {
			continue
		}
		n := *c
		n.RevokedAt = micro(at)
		m.replace(&n)
		changed = append(changed, n.Digest)
	}
	return changed, nil
}

// Rotate implements [Store].
func (m *Memory) Rotate(ctx context.Context, id string, until time.Time, next *Credential) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	next = next.normal()
	if next.CreatedAt.IsZero() {
		return errors.New("store: Rotate: next.CreatedAt: zero: must be the time of the rotation")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.get(id)
	if err != nil {
		return err
	}
	if !old.Active(next.CreatedAt) || !old.RotatedAt.IsZero() {
		return ErrConflict
	}
	if err := m.vacant(next); err != nil {
		return err
	}
	n := *old
	n.RotatedAt = next.CreatedAt
	// A zero until means never, which is no sooner than any expiry.
	if until = micro(until); n.ExpiresAt.IsZero() || !until.IsZero() && until.Before(n.ExpiresAt) {
		n.ExpiresAt = until
	}
	m.replace(&n)
	m.add(next)
	return nil
}

// Touch implements [Store].
func (m *Memory) Touch(ctx context.Context, id string, at time.Time) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	at = micro(at)
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.get(id)
	if err != nil {
		return err
	}
	if c.LastUsedAt.Before(at) {
		n := *c
		n.LastUsedAt = at
		m.replace(&n)
	}
	return nil
}

// Prune implements [Store].
func (m *Memory) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	before = micro(before)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		return 0, nil
	}
	ended := func(t time.Time) bool { return !t.IsZero() && t.Before(before) }
	kept := slices.DeleteFunc(slices.Clone(m.rows.all), func(c *Credential) bool {
		return ended(c.ExpiresAt) || ended(c.RevokedAt)
	})
	pruned := len(m.rows.all) - len(kept)
	if pruned == 0 {
		return 0, nil
	}
	m.rows = newRows(kept)
	m.table.Store(newTable(kept))
	return pruned, nil
}

// vacant returns ErrExists if c's ID or digest is taken.
func (m *Memory) vacant(c *Credential) error {
	if m.rows.get(c.ID) != nil {
		return ErrExists
	}
	if t := m.table.Load(); t != nil {
		if _, taken := t.at(&c.Digest); taken != nil {
			return ErrExists
		}
	}
	return nil
}

// add stores c, whose ID and digest are vacant.
func (m *Memory) add(c *Credential) {
	if m.rows == nil {
		m.rows = newRows(nil)
		m.table.Store(newTable(nil))
	}
	m.rows.share(c)
	m.rows.add(c)
	t := m.table.Load()
	if t.full() {
		t = newTable(m.rows.all) // with c
	} else {
		t.put(c)
	}
	m.table.Store(t)
}

// replace puts c in the place of the credential with its ID and digest.
func (m *Memory) replace(c *Credential) {
	m.rows.replace(c)
	m.table.Load().put(c)
}
