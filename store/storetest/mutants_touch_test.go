package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

func touchMutants() []mutant {
	return []mutant{
		{fault: "Touch does nothing", caught: []string{"touch-sets-last-use-only", "concurrent-touch-keeps-the-latest"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				_, err := m.raw.Get(ctx, id)
				return err
			}
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
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				err := m.raw.Touch(ctx, id, at)
				if errors.Is(err, store.ErrNotFound) {
					return m.raw.Insert(ctx, &store.Credential{ID: id, LastUsedAt: at}, 0)
				}
				return err
			}
		}},
		{fault: "Touch of the unknown succeeds", caught: []string{"touch-never-inserts"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				if err := m.raw.Touch(ctx, id, at); !errors.Is(err, store.ErrNotFound) {
					return err
				}
				return nil
			}
		}},
	}
}

// afterTouch changes the row that Touch was called for.
func (m *mutable) afterTouch(change func(at time.Time, before, after *store.Credential)) {
	m.touch = func(ctx context.Context, id string, at time.Time) error {
		before, _ := m.raw.Get(ctx, id)
		err := m.raw.Touch(ctx, id, at)
		if err == nil {
			m.edit(id, func(after *store.Credential) *store.Credential {
				change(at, before, after)
				return after
			})
		}
		return err
	}
}
