package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func raceMutants() []mutant {
	return []mutant{
		{fault: "Rotate checks, then acts", caught: []string{"concurrent-rotate-has-one-winner"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				old, err := m.raw.Get(ctx, id)
				if err != nil {
					return err
				}
				if !old.Active(next.CreatedAt) || !old.RotatedAt.IsZero() {
					return store.ErrConflict
				}
				pause()
				err = m.raw.Rotate(ctx, id, until, next, l)
				if errors.Is(err, store.ErrConflict) { // ignores that another call was faster
					err = m.raw.add(ctx, next)
				}
				return err
			}
		}},
		{fault: "Insert counts, then inserts", caught: []string{"concurrent-insert-keeps-the-limit"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				held := where(m.rows(), func(row *store.Credential) bool { return counts(row, c) })
				if l.Active > 0 && len(held) >= l.Active {
					return store.ErrLimit
				}
				pause()
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "Insert looks for the digest, then inserts", caught: []string{"concurrent-insert-of-one-digest"}, plant: func(m *mutable) {
			m.insertAfter(func(c *store.Credential) bool {
				return slices.ContainsFunc(m.rows(), func(row *store.Credential) bool { return row.Digest == c.Digest })
			})
		}},
		{fault: "Insert looks for the ID, then inserts", caught: []string{"concurrent-insert-of-one-id"}, plant: func(m *mutable) {
			m.insertAfter(func(c *store.Credential) bool {
				return slices.ContainsFunc(m.rows(), func(row *store.Credential) bool { return row.ID == c.ID })
			})
		}},
		{fault: "Revoke looks, then revokes", caught: []string{"concurrent-revoke-reports-once"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				for _, c := range m.matched(f) {
					if c.RevokedAt.IsZero() {
						digests = append(digests, c.Digest)
					}
				}
				pause()
				_, err = m.raw.Revoke(ctx, f, at)
				return digests, err
			}
		}},
		{fault: "Revoke goes by a list that it made before", caught: []string{"concurrent-rotate-cannot-escape-revoke", "concurrent-chain-cannot-escape-revoke"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				if _, err := m.raw.Revoke(ctx, store.Filter{Subject: "unknown"}, at); err != nil {
					return nil, err
				}
				matched := m.matched(f)
				pause()
				for _, c := range matched {
					f.ID = c.ID
					some, err := m.raw.Revoke(ctx, f, at)
					if err != nil {
						return nil, err
					}
					digests = append(digests, some...)
				}
				return digests, nil
			}
		}},
		{fault: "Touch writes back the row that it read", caught: []string{"concurrent-touch-cannot-undo-revoke"}, plant: func(m *mutable) {
			m.touchAfter(func(at time.Time, read, now *store.Credential) *store.Credential { return touched(read, at) })
		}},
		{fault: "Touch compares, then writes", caught: []string{"concurrent-touch-keeps-the-latest"}, plant: func(m *mutable) {
			m.touchAfter(func(at time.Time, read, now *store.Credential) *store.Credential { return touched(now, at) })
		}},
		{fault: "Touch inserts the row that it read", caught: []string{"concurrent-touch-cannot-undo-prune"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				read, err := m.raw.Get(ctx, id)
				if err != nil {
					return err
				}
				pause()
				if _, err := m.raw.Get(ctx, id); !errors.Is(err, store.ErrNotFound) {
					return m.raw.Touch(ctx, []store.Use{u})
				}
				return m.raw.add(ctx, touched(read, at))
			})
		}},
		{fault: "Update writes back the row that it read", caught: []string{"concurrent-update-cannot-undo-revoke"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				read, err := m.raw.Get(ctx, id)
				if err != nil {
					return nil, err
				}
				pause()
				c, err := m.raw.Update(ctx, id, ch)
				m.edit(id, func(now *store.Credential) *store.Credential {
					now.RevokedAt = read.RevokedAt
					return now
				})
				return c, err
			}
		}},
		{fault: "Insert counts what is recent, then inserts", caught: []string{"concurrent-creation-keeps-the-rate"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				n := len(where(m.rows(), func(row *store.Credential) bool { return alike(row, c) && !row.CreatedAt.Before(l.Since) }))
				if l.Recent > 0 && n >= l.Recent {
					return store.ErrLimit
				}
				pause()
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "Rotate writes the expiry first", caught: []string{"concurrent-reads-see-whole-versions"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				m.edit(id, func(old *store.Credential) *store.Credential {
					if old.Active(next.CreatedAt) && old.RotatedAt.IsZero() && until.Before(old.ExpiresAt) && until.After(next.CreatedAt) {
						old.ExpiresAt = until
					}
					return old
				})
				pause()
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "Find loads the row from where it looked", caught: []string{"concurrent-find-never-returns-another"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				free := len(m.rows())
				c, err := m.raw.Find(ctx, k, d)
				if errors.Is(err, store.ErrNotFound) {
					pause()
					if rows := m.rows(); len(rows) > free && rows[free].Kind == k {
						return rows[free], nil
					}
				}
				return c, err
			}
		}},
		{fault: "a lookup remembers what it did not find after the insert", caught: []string{"concurrent-insert-is-seen-by-later-finds"}, plant: func(m *mutable) {
			var missing sync.Map
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if _, ok := missing.Load(d); ok {
					return nil, store.ErrNotFound
				}
				c, err := m.raw.Find(ctx, k, d)
				if errors.Is(err, store.ErrNotFound) {
					pause()
					missing.Store(d, true)
				}
				return c, err
			}
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				err := m.raw.add(ctx, c)
				missing.Delete(c.Digest)
				return err
			})
		}},
		{fault: "a lookup fills a cache after the revocation has emptied it", caught: []string{"concurrent-revoke-is-seen-by-later-reads"}, plant: func(m *mutable) {
			var cache sync.Map
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if c, ok := cache.Load(d); ok && c.(*store.Credential).Kind == k {
					return c.(*store.Credential), nil
				}
				c, err := m.raw.Find(ctx, k, d)
				if err == nil {
					pause()
					cache.Store(d, c)
				}
				return c, err
			}
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				digests, err := m.raw.Revoke(ctx, f, at)
				for _, d := range digests {
					cache.Delete(d)
				}
				return digests, err
			}
		}},
	}
}

// insertAfter makes Insert first check whether c is taken. After that it succeeds
// even if another call inserts c first.
func (m *mutable) insertAfter(taken func(c *store.Credential) bool) {
	m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
		if taken(c) {
			return store.ErrExists
		}
		pause()
		err := m.raw.add(ctx, c)
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	})
}

// touchAfter makes Touch read a row, pause, and store the result of write, which
// gets the row that was read and the current one.
func (m *mutable) touchAfter(write func(at time.Time, read, now *store.Credential) *store.Credential) {
	m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
		at = at.UTC().Truncate(time.Microsecond)
		read, err := m.raw.Get(ctx, id)
		if err != nil || !read.LastUsedAt.Before(at) {
			return err
		}
		pause()
		m.edit(id, func(now *store.Credential) *store.Credential { return write(at, read, now) })
		return nil
	})
}
