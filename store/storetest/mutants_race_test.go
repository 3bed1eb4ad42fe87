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
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				old, err := m.raw.Get(ctx, id)
				if err != nil {
					return err
				}
				if !old.Active(next.CreatedAt) || !old.RotatedAt.IsZero() {
					return store.ErrConflict
				}
				pause()
				err = m.raw.Rotate(ctx, id, until, next)
				if errors.Is(err, store.ErrConflict) { // somebody else did: not noticed
					err = m.raw.Insert(ctx, next, 0)
				}
				return err
			}
		}},
		{fault: "Insert counts, then inserts", caught: []string{"concurrent-insert-keeps-the-limit"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				held := m.matched(store.Filter{Subject: c.Subject, Kind: c.Kind, Active: true}, c.CreatedAt)
				if limit > 0 && len(held) >= limit {
					return store.ErrLimit
				}
				pause()
				return m.raw.Insert(ctx, c, 0)
			}
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
				for _, c := range m.matched(f, at) {
					if c.RevokedAt.IsZero() {
						digests = append(digests, c.Digest)
					}
				}
				pause()
				_, err = m.raw.Revoke(ctx, f, at)
				return digests, err
			}
		}},
		{fault: "Revoke goes by a list that it made before", caught: []string{"concurrent-rotate-cannot-escape-revoke"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				if _, err := m.raw.Revoke(ctx, store.Filter{Subject: "nobody", Limit: f.Limit, Before: f.Before}, at); err != nil {
					return nil, err
				}
				matched := m.matched(f, at)
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
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				read, err := m.raw.Get(ctx, id)
				if err != nil {
					return err
				}
				pause()
				if err := m.raw.Touch(ctx, id, at); !errors.Is(err, store.ErrNotFound) {
					return err
				}
				return m.raw.Insert(ctx, touched(read, at), 0)
			}
		}},
		{fault: "Rotate writes the expiry first", caught: []string{"concurrent-reads-see-whole-versions"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				m.edit(id, func(old *store.Credential) *store.Credential {
					if old.Active(next.CreatedAt) && old.RotatedAt.IsZero() && until.Before(old.ExpiresAt) && until.After(next.CreatedAt) {
						old.ExpiresAt = until
					}
					return old
				})
				pause()
				return m.raw.Rotate(ctx, id, until, next)
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
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				err := m.raw.Insert(ctx, c, limit)
				missing.Delete(c.Digest)
				return err
			}
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

// insertAfter makes Insert look first whether c is taken, and insert it then in
// the place of whoever was faster.
func (m *mutable) insertAfter(taken func(c *store.Credential) bool) {
	m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
		if taken(c) {
			return store.ErrExists
		}
		pause()
		err := m.raw.Insert(ctx, c, limit)
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	}
}

// touchAfter makes Touch read a row first and write it then, as write says of
// what was read and what is there by now.
func (m *mutable) touchAfter(write func(at time.Time, read, now *store.Credential) *store.Credential) {
	m.touch = func(ctx context.Context, id string, at time.Time) error {
		at = at.UTC().Truncate(time.Microsecond)
		read, err := m.raw.Get(ctx, id)
		if err != nil || !read.LastUsedAt.Before(at) {
			return err
		}
		pause()
		m.edit(id, func(now *store.Credential) *store.Credential { return write(at, read, now) })
		return nil
	}
}
