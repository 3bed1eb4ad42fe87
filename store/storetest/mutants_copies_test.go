package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func copyMutants() []mutant {
	return []mutant{
		{fault: "Insert keeps the caller's slices", caught: []string{"insert-copies"}, plant: func(m *mutable) {
			keep := m.sharing()
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				keep(c)
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "Rotate keeps the caller's slices", caught: []string{"rotate-copies"}, plant: func(m *mutable) {
			keep := m.sharing()
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				keep(next)
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "Update keeps the caller's slices", caught: []string{"update-copies"}, plant: func(m *mutable) {
			keep := m.sharing()
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				c, err := m.raw.Update(ctx, id, ch)
				if err == nil {
					c = c.Clone()
					if ch.Scopes != nil {
						c.Scopes = *ch.Scopes
					}
					if ch.Data != nil {
						c.Data = *ch.Data
					}
					keep(c)
				}
				return c, err
			}
		}},
		{fault: "Touch writes to the row that was returned", caught: []string{"returned-credentials-do-not-change"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				c, err := m.raw.Get(ctx, id)
				if err == nil && at.After(c.LastUsedAt) {
					c.LastUsedAt = at.UTC().Truncate(time.Microsecond)
				}
				return err
			})
		}},
		{fault: "Revoke writes to the row that was returned", caught: []string{"returned-credentials-do-not-change"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				before := m.rows()
				digests, err := m.raw.Revoke(ctx, f, at)
				for _, c := range before {
					if row, err := m.raw.Get(ctx, c.ID); err == nil {
						c.RevokedAt = row.RevokedAt
					}
				}
				return digests, err
			}
		}},
	}
}

// sharing makes each row that was passed to keep share its slices with the
// caller's credential.
func (m *mutable) sharing() (keep func(*store.Credential)) {
	var given sync.Map // store.Credential by ID
	m.onRead(func(c *store.Credential) {
		if g, ok := given.Load(c.ID); ok {
			g := g.(store.Credential)
			c.Scopes, c.Networks, c.Data = g.Scopes, g.Networks, g.Data
		}
	})
	return func(c *store.Credential) { given.Store(c.ID, *c) }
}
