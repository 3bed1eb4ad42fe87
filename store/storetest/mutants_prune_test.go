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
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) { return 0, ctx.Err() }
		}},
		{fault: "Prune leaves what was revoked", caught: []string{"prune-deletes-what-ended"}, plant: func(m *mutable) {
			m.pruneWhere(func(c *store.Credential, before time.Time) bool { return ended(c.ExpiresAt, before) })
		}},
		{fault: "Prune returns the rows that are left", caught: []string{"prune-deletes-what-ended"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				_, err := m.raw.Prune(ctx, before)
				return len(m.rows()), err
			}
		}},
		{fault: "Prune deletes the boundary", caught: []string{"prune-keeps-the-boundary"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				return m.raw.Prune(ctx, store.PruneBefore{Ended: before.Ended.Add(time.Microsecond), Rotated: before.Rotated.Add(time.Microsecond)})
			}
		}},
		{fault: "Prune rounds up", caught: []string{"prune-keeps-the-boundary"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				return m.raw.Prune(ctx, store.PruneBefore{Ended: before.Ended.Add(999), Rotated: before.Rotated.Add(999)})
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
		{fault: "Prune disregards when rotated rows are pruned", caught: []string{"prune-keeps-rotated-longer"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				before.Rotated = before.Ended
				return m.raw.Prune(ctx, before)
			}
		}},
		{fault: "Prune goes by the earlier time", caught: []string{"prune-keeps-rotated-longer"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				if before.Ended.IsZero() || before.Rotated.IsZero() {
					return 0, ctx.Err()
				}
				return m.raw.Prune(ctx, before)
			}
		}},
		{fault: "a digest that was deleted stays taken", caught: []string{"prune-frees-id-and-digest", "erase-leaves-no-trace"}, plant: func(m *mutable) {
			var taken sync.Map
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				err := m.raw.add(ctx, c)
				if err != nil {
					return err
				}
				if _, again := taken.LoadOrStore(c.Digest, true); again {
					m.edit(c.ID, func(*store.Credential) *store.Credential { return nil })
					return store.ErrExists
				}
				return nil
			})
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
	m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n := 0
		for _, c := range m.rows() {
			if del(c, before.Ended) {
				m.edit(c.ID, func(*store.Credential) *store.Credential { return nil })
				n++
			}
		}
		return n, nil
	}
}
