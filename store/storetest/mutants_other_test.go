package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
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

func cancelMutants() []mutant {
	lost := func(ctx context.Context) error {
		if ctx.Err() != nil {
			return store.ErrNotFound
		}
		return nil
	}
	return []mutant{
		{fault: "Find takes a cancelled context for not found", caught: []string{"cancelled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Find(ctx, k, d)
			}
		}},
		{fault: "Find of the unknown does not look at its context", caught: []string{"cancelled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				return m.raw.Find(context.WithoutCancel(ctx), k, d)
			}
		}},
		{fault: "Get takes a cancelled context for not found", caught: []string{"cancelled-get-is-not-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Get(ctx, id)
			}
		}},
		{fault: "List takes a cancelled context for nothing", caught: []string{"cancelled-list-is-not-empty"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				if lost(ctx) != nil {
					return nil, nil
				}
				return m.raw.List(ctx, f)
			}
		}},
		{fault: "a cancelled Insert inserts", caught: []string{"cancelled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				return errors.Join(m.raw.Insert(context.WithoutCancel(ctx), c, limit), ctx.Err())
			}
		}},
		{fault: "a cancelled Insert is said to succeed", caught: []string{"cancelled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				if lost(ctx) != nil {
					return nil
				}
				return m.raw.Insert(ctx, c, limit)
			}
		}},
		{fault: "a cancelled Revoke revokes", caught: []string{"cancelled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				digests, err := m.raw.Revoke(context.WithoutCancel(ctx), f, at)
				return digests, errors.Join(err, ctx.Err())
			}
		}},
		{fault: "a cancelled Revoke is said to succeed", caught: []string{"cancelled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if lost(ctx) != nil {
					return nil, nil
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "a cancelled Rotate rotates", caught: []string{"cancelled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				if m.raw.Rotate(context.WithoutCancel(ctx), id, until, next) == nil && ctx.Err() == nil {
					return nil
				}
				return errors.Join(ctx.Err(), m.raw.Rotate(ctx, id, until, next))
			}
		}},
		{fault: "a cancelled Rotate ends the old", caught: []string{"cancelled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				if ctx.Err() != nil {
					m.edit(id, func(old *store.Credential) *store.Credential { return rotated(old, next, until) })
				}
				return m.raw.Rotate(ctx, id, until, next)
			}
		}},
		{fault: "a cancelled Touch is not found", caught: []string{"cancelled-touch-changes-nothing"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				return errors.Join(lost(ctx), m.raw.Touch(ctx, id, at))
			}
		}},
		{fault: "a cancelled Prune deletes", caught: []string{"cancelled-prune-changes-nothing"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				n, err := m.raw.Prune(context.WithoutCancel(ctx), before)
				return n, errors.Join(err, ctx.Err())
			}
		}},
	}
}

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
