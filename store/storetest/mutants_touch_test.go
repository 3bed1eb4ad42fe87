package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func touchMutants() []mutant {
	return []mutant{
		{fault: "Touch does nothing", caught: []string{"touch-sets-last-use-only", "concurrent-touch-keeps-the-latest"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				_, err := m.raw.Get(ctx, id)
				return err
			})
		}},
		{fault: "Touch moves the expiry", caught: []string{"touch-sets-last-use-only"}, plant: func(m *mutable) {
			m.afterTouch(func(at time.Time, before, after *store.Credential) { after.ExpiresAt = at.Add(time.Hour) })
		}},
		{fault: "Touch writes whatever time it is given", caught: []string{"touch-never-moves-backwards"}, plant: func(m *mutable) {
			m.afterTouch(func(at time.Time, before, after *store.Credential) { after.LastUsedAt = at })
		}},
		{fault: "Touch writes the row as it was inserted", caught: []string{"touch-keeps-revocation-and-rotation"}, plant: func(m *mutable) {
			m.afterTouch(func(at time.Time, before, after *store.Credential) {
				after.RotatedAt, after.RevokedAt = time.Time{}, time.Time{}
			})
		}},
		{fault: "Touch inserts", caught: []string{"touch-never-inserts"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				if _, err := m.raw.Get(ctx, id); errors.Is(err, store.ErrNotFound) {
					return m.raw.add(ctx, &store.Credential{ID: id, LastUsedAt: at})
				}
				return m.raw.Touch(ctx, []store.Use{u})
			})
		}},
		{fault: "Touch of the unknown fails", caught: []string{"touch-never-inserts", "touch-of-a-batch"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				if _, err := m.raw.Get(ctx, id); err != nil {
					return err
				}
				return m.raw.Touch(ctx, []store.Use{u})
			})
		}},
		{fault: "Touch records the first use only", caught: []string{"touch-of-a-batch"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, uses []store.Use) error { return m.raw.Touch(ctx, uses[:min(1, len(uses))]) }
		}},
		{fault: "of several uses of one credential the last one counts", caught: []string{"touch-of-a-batch"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, uses []store.Use) error {
				last := make(map[string]store.Use)
				for _, u := range uses {
					last[u.ID] = u
				}
				return m.raw.Touch(ctx, slices.Collect(maps.Values(last)))
			}
		}},
		{fault: "Touch loses the address", caught: []string{"touch-sets-the-address"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				return m.raw.Touch(ctx, []store.Use{{ID: id, At: at}})
			})
		}},
		{fault: "an unknown address leaves the one before", caught: []string{"touch-sets-the-address"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				if before, err := m.raw.Get(ctx, id); err == nil && !u.Addr.IsValid() {
					u.Addr = before.LastUsedAddr
				}
				return m.raw.Touch(ctx, []store.Use{u})
			})
		}},
	}
}

// afterTouch changes the row that Touch was called for.
func (m *mutable) afterTouch(change func(at time.Time, before, after *store.Credential)) {
	m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
		before, _ := m.raw.Get(ctx, id)
		err := m.raw.Touch(ctx, []store.Use{u})
		if err == nil {
			m.edit(id, func(after *store.Credential) *store.Credential {
				change(at, before, after)
				return after
			})
		}
		return err
	})
}
