package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

func rotateMutants() []mutant {
	return []mutant{
		{fault: "Rotate does not say when", caught: []string{"rotate-ends-the-old-and-adds-the-new", "rotate-once-only"}, plant: func(m *mutable) {
			m.afterRotate(func(before, after *store.Credential, until time.Time) { after.RotatedAt = time.Time{} })
		}},
		{fault: "Rotate gives the successor to another subject", caught: []string{"rotate-keeps-the-subject"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				old, err := m.raw.Get(ctx, id)
				if err != nil || old.Subject == next.Subject {
					return m.raw.Rotate(ctx, id, until, next, l)
				}
				_, err = m.raw.Insert(ctx, next, l)
				return err
			}
		}},
		{fault: "Rotate copies the old name", caught: []string{"rotate-ends-the-old-and-adds-the-new"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				next.Name = old.Name
				return nil
			})
		}},
		{fault: "Rotate adds the new in the place of the old", caught: []string{"rotate-ends-the-old-and-adds-the-new", "rotate-without-overlap"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if err == nil {
					m.edit(id, func(*store.Credential) *store.Credential { return nil })
				}
				return err
			}
		}},
		{fault: "Rotate without an overlap ends nothing", caught: []string{"rotate-without-overlap"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if !until.After(next.CreatedAt) {
					until = time.Time{}
				}
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "Rotate lengthens the old one's life", caught: []string{"rotate-never-extends"}, plant: func(m *mutable) {
			m.afterRotate(func(before, after *store.Credential, until time.Time) {
				if !until.IsZero() {
					after.ExpiresAt = until
				}
			})
		}},
		{fault: "Rotate never shortens the old one's life", caught: []string{"rotate-never-extends", "rotate-without-overlap"}, plant: func(m *mutable) {
			m.afterRotate(func(before, after *store.Credential, until time.Time) {
				if !before.ExpiresAt.IsZero() {
					after.ExpiresAt = before.ExpiresAt
				}
			})
		}},
		{fault: "Rotate takes its clock's time for a zero one", caught: []string{"rotate-refuses-zero-time"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if next.CreatedAt.IsZero() {
					next.CreatedAt = time.Now()
				}
				return nil
			})
		}},
		{fault: "Rotate at no time is a conflict", caught: []string{"rotate-refuses-zero-time"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if next.CreatedAt.IsZero() {
					return store.ErrConflict
				}
				return nil
			})
		}},
		{fault: "Rotate looks for a zero time before it rounds", caught: []string{"rotate-refuses-zero-time"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if roundsToZero(next.CreatedAt) {
					return m.raw.add(ctx, next) // and the old one is not marked
				}
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "Rotate leaves never at never", caught: []string{"rotate-bounds-what-never-expires"}, plant: func(m *mutable) {
			m.afterRotate(func(before, after *store.Credential, until time.Time) {
				if before.ExpiresAt.IsZero() {
					after.ExpiresAt = time.Time{}
				}
			})
		}},
		{fault: "Rotate takes never for the earliest time", caught: []string{"rotate-until-never-keeps-the-expiry"}, plant: func(m *mutable) {
			m.afterRotate(func(before, after *store.Credential, until time.Time) {
				if until.IsZero() {
					after.ExpiresAt = until
				}
			})
		}},
		{fault: "Rotate asks the clock", caught: []string{"rotate-is-judged-at-creation"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if !old.Active(time.Now()) {
					return store.ErrConflict
				}
				return nil
			})
		}},
		{fault: "Rotate keeps to the limit", caught: []string{"rotate-needs-no-room"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if l.Active > 0 && len(where(m.rows(), func(c *store.Credential) bool { return counts(c, next) })) > l.Active {
					return store.ErrLimit
				}
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "Rotate ends the oldest", caught: []string{"rotate-needs-no-room"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if rows := m.rows(); l.EndOldest && len(rows) > 0 {
					m.raw.Revoke(ctx, store.Filter{ID: rows[0].ID}, next.CreatedAt)
				}
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "a successor begins a family", caught: []string{"rotate-chain-is-one-family"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				next.Family = next.ID
				return nil
			})
		}},
		{fault: "a successor's family is its predecessor", caught: []string{"rotate-chain-is-one-family"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if next.Family == old.Family {
					next.Family = old.ID
				}
				return nil
			})
		}},
		{fault: "Rotate goes on during the overlap", caught: []string{"rotate-once-only", "concurrent-rotate-has-one-winner"}, plant: func(m *mutable) {
			m.unlessConflict(func(old, next *store.Credential) bool { return old.RevokedAt.IsZero() && old.Active(next.CreatedAt) })
		}},
		{fault: "Rotate adds the new even where it refuses", caught: []string{"rotate-once-only", "rotate-refuses-revoked", "rotate-refuses-expired"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if errors.Is(err, store.ErrConflict) {
					m.raw.add(ctx, next)
				}
				return err
			}
		}},
		{fault: "Rotate disregards revocation", caught: []string{"rotate-refuses-revoked"}, plant: func(m *mutable) {
			m.unlessConflict(func(old, next *store.Credential) bool { return !old.RevokedAt.IsZero() && old.RotatedAt.IsZero() })
		}},
		{fault: "Rotate disregards expiry", caught: []string{"rotate-refuses-expired"}, plant: func(m *mutable) {
			m.unlessConflict(func(old, next *store.Credential) bool { return old.RevokedAt.IsZero() && old.RotatedAt.IsZero() })
		}},
		{fault: "Rotate takes the expiry for the last valid moment", caught: []string{"rotate-refuses-expired"}, plant: func(m *mutable) {
			m.unlessConflict(func(old, next *store.Credential) bool {
				return old.RevokedAt.IsZero() && old.RotatedAt.IsZero() && old.ExpiresAt.Equal(next.CreatedAt)
			})
		}},
		{fault: "Rotate refuses what expires within the second", caught: []string{"rotate-until-the-last-moment"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if !old.Active(next.CreatedAt.Add(time.Second)) {
					return store.ErrConflict
				}
				return nil
			})
		}},
		{fault: "Rotate ends the old where the new is refused", caught: []string{"rotate-refuses-taken-id", "rotate-refuses-taken-digest"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if errors.Is(err, store.ErrExists) {
					m.edit(id, func(old *store.Credential) *store.Credential { return rotated(old, next, until) })
				}
				return err
			}
		}},
		{fault: "Rotate replaces the row with the new one's ID", caught: []string{"rotate-refuses-taken-id"}, plant: func(m *mutable) {
			m.beforeRotate(func(old, next *store.Credential) error {
				if next.ID != old.ID {
					m.edit(next.ID, func(*store.Credential) *store.Credential { return nil })
				}
				return nil
			})
		}},
		{fault: "Rotate takes the digest of another kind", caught: []string{"rotate-refuses-taken-digest"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if _, absent := m.raw.Find(ctx, next.Kind, next.Digest); errors.Is(err, store.ErrExists) && absent != nil {
					return nil
				}
				return err
			}
		}},
		{fault: "Rotate of the unknown adds the new", caught: []string{"rotate-unknown-is-not-found", "prune-leaves-no-trace"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if errors.Is(err, store.ErrNotFound) {
					return m.raw.add(ctx, next)
				}
				return err
			}
		}},
		{fault: "Rotate of the unknown is a conflict", caught: []string{"rotate-unknown-is-not-found"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				err := m.raw.Rotate(ctx, id, until, next, l)
				if errors.Is(err, store.ErrNotFound) {
					return store.ErrConflict
				}
				return err
			}
		}},
	}
}

// beforeRotate changes the successors that are passed to Rotate, or refuses them.
func (m *mutable) beforeRotate(change func(old, next *store.Credential) error) {
	m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
		next = next.Clone()
		if old, err := m.raw.Get(ctx, id); err == nil {
			if err := change(old, next); err != nil {
				return err
			}
		}
		return m.raw.Rotate(ctx, id, until, next, l)
	}
}

// afterRotate changes the row that Rotate has ended.
func (m *mutable) afterRotate(change func(before, after *store.Credential, until time.Time)) {
	m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
		before, _ := m.raw.Get(ctx, id)
		err := m.raw.Rotate(ctx, id, until, next, l)
		if err == nil {
			m.edit(id, func(after *store.Credential) *store.Credential {
				change(before, after, until)
				return after
			})
		}
		return err
	}
}

// unlessConflict makes Rotate add the successor despite ErrConflict if ignore
// returns true.
func (m *mutable) unlessConflict(ignore func(old, next *store.Credential) bool) {
	m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
		err := m.raw.Rotate(ctx, id, until, next, l)
		if errors.Is(err, store.ErrConflict) {
			if old, _ := m.raw.Get(ctx, id); ignore(old, next) {
				return m.raw.add(ctx, next)
			}
		}
		return err
	}
}
