package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func pruneMutants() []mutant {
	return []mutant{
		{fault: "Prune does nothing", caught: []string{"prune-deletes-what-ended"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) { return 0, ctx.Err() }
		}},
		{fault: "Prune leaves what was revoked", caught: []string{"prune-deletes-what-ended"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool { return ended(c.ExpiresAt, before) })
		}},
		{fault: "Prune returns the rows that are left", caught: []string{"prune-deletes-what-ended"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				_, err := m.raw.Prune(ctx, before)
				return len(m.rows()), err
			}
		}},
		{fault: "Prune deletes the boundary", caught: []string{"prune-keeps-the-boundary"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				return m.raw.Prune(ctx, before.Add(time.Microsecond))
			}
		}},
		{fault: "Prune rounds up", caught: []string{"prune-keeps-the-boundary"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				return m.raw.Prune(ctx, before.Add(999*time.Nanosecond))
			}
		}},
		{fault: "Prune takes never for long ago", caught: []string{"prune-keeps-what-is-current"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool {
				return c.ExpiresAt.Before(before) || ended(c.RevokedAt, before)
			})
		}},
		{fault: "Prune deletes what was rotated", caught: []string{"prune-keeps-what-is-current"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool {
				return ended(c.ExpiresAt, before) || ended(c.RevokedAt, before) || ended(c.RotatedAt, before)
			})
		}},
		{fault: "Prune deletes what was not used", caught: []string{"prune-keeps-what-is-current"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool {
				return ended(c.ExpiresAt, before) || ended(c.RevokedAt, before) || ended(c.LastUsedAt, before.AddDate(0, -1, 0))
			})
		}},
		{fault: "List shows what was deleted", caught: []string{"prune-leaves-no-trace"}, plant: func(m *mutable) {
			var mu sync.Mutex
			var deleted []*store.Credential
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				for _, c := range m.rows() {
					if ended(c.ExpiresAt, before) || ended(c.RevokedAt, before) {
						deleted = append(deleted, c)
					}
				}
				return m.raw.Prune(ctx, before)
			}
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				mu.Lock()
				defer mu.Unlock()
				for _, c := range deleted {
					if f.ID == "" && f.Match(c, time.Now()) {
						rows = append(rows, c)
					}
				}
				return rows
			})
		}},
		{fault: "a digest that was deleted stays taken", caught: []string{"prune-frees-id-and-digest"}, plant: func(m *mutable) {
			var taken sync.Map
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				err := m.raw.Insert(ctx, c, limit)
				if err != nil {
					return err
				}
				if _, again := taken.LoadOrStore(c.Digest, true); again {
					m.edit(c.ID, func(*store.Credential) *store.Credential { return nil })
					return store.ErrExists
				}
				return nil
			}
		}},
		{fault: "Prune takes one page", caught: []string{"prune-has-no-page"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool {
				rows := m.rows()
				return (ended(c.ExpiresAt, before) || ended(c.RevokedAt, before)) && len(rows) > 20
			})
		}},
	}
}

func ended(t, before time.Time) bool {
	return !t.IsZero() && t.Before(before.Truncate(time.Microsecond))
}

// pruneWhere makes Prune delete the rows for which del is true.
func (m *mutable) pruneWhere(del func(c *store.Credential, before time.Time) bool) {
	m.prune = func(ctx context.Context, before time.Time) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n := 0
		for _, c := range m.rows() {
			if del(c, before) {
				m.edit(c.ID, func(*store.Credential) *store.Credential { return nil })
				n++
			}
		}
		return n, nil
	}
}
