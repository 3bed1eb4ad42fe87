package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func revokeMutants() []mutant {
	return []mutant{
		{fault: "Find is answered from a cache", caught: []string{"revoke-is-seen-by-every-read", "touch-sets-last-use-only"}, plant: func(m *mutable) {
			var cache sync.Map
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if c, ok := cache.Load(d); ok && c.(*store.Credential).Kind == k {
					return c.(*store.Credential), nil
				}
				c, err := m.raw.Find(ctx, k, d)
				if err == nil {
					cache.Store(d, c)
				}
				return c, err
			}
		}},
		{fault: "Get is answered from a cache", caught: []string{"revoke-is-seen-by-every-read", "touch-sets-last-use-only"}, plant: func(m *mutable) {
			var cache sync.Map
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				if c, ok := cache.Load(id); ok {
					return c.(*store.Credential), nil
				}
				c, err := m.raw.Get(ctx, id)
				if err == nil {
					cache.Store(id, c)
				}
				return c, err
			}
		}},
		{fault: "Revoke moves the expiry", caught: []string{"revoke-is-seen-by-every-read", "find-returns-revoked"}, plant: func(m *mutable) {
			m.afterRevoke(func(at time.Time, before, after *store.Credential) *store.Credential {
				if before.RevokedAt.IsZero() {
					after.ExpiresAt = at
				}
				return after
			})
		}},
		{fault: "Revoke deletes", caught: []string{"find-returns-revoked", "revoke-is-seen-by-every-read"}, plant: func(m *mutable) {
			m.afterRevoke(func(at time.Time, before, after *store.Credential) *store.Credential { return nil })
		}},
		{fault: "Revoke writes the time anew", caught: []string{"revoke-keeps-the-first-time"}, plant: func(m *mutable) {
			m.afterRevoke(func(at time.Time, before, after *store.Credential) *store.Credential {
				after.RevokedAt = at
				return after
			})
		}},
		{fault: "Revoke keeps the earliest time", caught: []string{"revoke-keeps-the-first-time"}, plant: func(m *mutable) {
			m.afterRevoke(func(at time.Time, before, after *store.Credential) *store.Credential {
				if at.Before(after.RevokedAt) {
					after.RevokedAt = at
				}
				return after
			})
		}},
		{fault: "Revoke returns what it matched", caught: []string{"revoke-returns-what-it-changed", "revoke-keeps-the-first-time"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				matched := m.matched(f, at)
				if _, err := m.raw.Revoke(ctx, f, at); err != nil {
					return nil, err
				}
				for _, c := range matched {
					digests = append(digests, c.Digest)
				}
				return digests, nil
			}
		}},
		{fault: "Revoke returns nothing", caught: []string{"revoke-returns-what-it-changed"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				_, err := m.raw.Revoke(ctx, f, at)
				return nil, err
			}
		}},
		{fault: "Revoke disregards the parent where there is a family", caught: []string{"revoke-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) {
				if f.Family != "" {
					f.Parent = ""
				}
			})
		}},
		{fault: "Revoke disregards the kind", caught: []string{"revoke-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) {
				if f.Subject+f.Family+f.Parent+f.ID != "" {
					f.Kind = ""
				}
			})
		}},
		{fault: "Revoke disregards the subject where there is an ID", caught: []string{"revoke-id-of-another-subject"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) {
				if f.ID != "" {
					f.Subject = ""
				}
			})
		}},
		{fault: "Revoke disregards Except", caught: []string{"revoke-except"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) { f.Except = "" })
		}},
		{fault: "Revoke disregards Active", caught: []string{"revoke-active-spares-expired"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) { f.Active = false })
		}},
		{fault: "Revoke takes what never expires for inactive", caught: []string{"revoke-active-spares-expired"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				if !f.Active {
					return m.raw.Revoke(ctx, f, at)
				}
				for _, c := range m.matched(f, at) {
					if !c.ExpiresAt.IsZero() {
						some, _ := m.raw.Revoke(ctx, store.Filter{ID: c.ID}, at)
						digests = append(digests, some...)
					}
				}
				return digests, nil
			}
		}},
		{fault: "Revoke spares what has expired", caught: []string{"revoke-takes-expired-too"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) { f.Active = true })
		}},
		{fault: "Revoke takes one page", caught: []string{"revoke-has-no-page"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				matched := m.matched(f, at)
				if len(matched) <= store.DefaultLimit {
					return m.raw.Revoke(ctx, f, at)
				}
				for _, c := range matched[:store.DefaultLimit] {
					some, _ := m.raw.Revoke(ctx, store.Filter{ID: c.ID}, at)
					digests = append(digests, some...)
				}
				return digests, nil
			}
		}},
		{fault: "Revoke of nothing is not found", caught: []string{"revoke-no-match-is-no-error"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if f.Validate() == nil && len(m.matched(f, at)) == 0 {
					return nil, store.ErrNotFound
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "Revoke takes an empty filter for everyone", caught: []string{"revoke-refuses-empty-filter"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				if f.Validate() == nil {
					return m.raw.Revoke(ctx, f, at)
				}
				for _, c := range m.matched(f, at) {
					some, _ := m.raw.Revoke(ctx, store.Filter{ID: c.ID}, at)
					digests = append(digests, some...)
				}
				return digests, nil
			}
		}},
		{fault: "Revoke takes an empty filter for nobody", caught: []string{"revoke-refuses-empty-filter"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if f.Validate() != nil {
					return nil, nil
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "Revoke disregards Limit and Before", caught: []string{"revoke-refuses-limit-and-before"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) { f.Limit, f.Before = 0, "" })
		}},
		{fault: "Revoke complains of Before when it is done", caught: []string{"revoke-refuses-limit-and-before"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				_, complaint := m.raw.Revoke(ctx, f, at)
				f.Limit, f.Before = 0, ""
				digests, err := m.raw.Revoke(ctx, f, at)
				if err == nil {
					err = complaint
				}
				return digests, err
			}
		}},
		{fault: "Revoke takes its clock's time for a zero one", caught: []string{"revoke-refuses-zero-time"}, plant: func(m *mutable) {
			m.zeroRevoke(time.Time.IsZero, func(ctx context.Context, f store.Filter) ([]store.Digest, error) {
				return m.raw.Revoke(ctx, f, time.Now())
			})
		}},
		{fault: "Revoke reports what it revoked at no time", caught: []string{"revoke-refuses-zero-time"}, plant: func(m *mutable) {
			m.zeroRevoke(time.Time.IsZero, func(ctx context.Context, f store.Filter) ([]store.Digest, error) {
				var digests []store.Digest
				for _, c := range m.matched(f, time.Time{}) {
					digests = append(digests, c.Digest)
				}
				return digests, nil
			})
		}},
		{fault: "Revoke at no time finds nothing", caught: []string{"revoke-refuses-zero-time"}, plant: func(m *mutable) {
			m.zeroRevoke(time.Time.IsZero, func(context.Context, store.Filter) ([]store.Digest, error) {
				return nil, store.ErrNotFound
			})
		}},
		{fault: "Revoke looks for a zero time before it rounds", caught: []string{"revoke-refuses-zero-time"}, plant: func(m *mutable) {
			m.zeroRevoke(roundsToZero, func(context.Context, store.Filter) ([]store.Digest, error) { return nil, nil })
		}},
	}
}

// roundsToZero reports whether t is zero for a store, and for nobody else.
func roundsToZero(t time.Time) bool { return !t.IsZero() && t.Truncate(time.Microsecond).IsZero() }

// zeroRevoke has revoke called for the times that are zero.
func (m *mutable) zeroRevoke(zero func(time.Time) bool, revoke func(context.Context, store.Filter) ([]store.Digest, error)) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		if zero(at) {
			return revoke(ctx, f)
		}
		return m.raw.Revoke(ctx, f, at)
	}
}

// matched returns the rows that f selects.
func (m *mutable) matched(f store.Filter, at time.Time) []*store.Credential {
	var found []*store.Credential
	for _, c := range m.rows() {
		if f.Match(c, at) {
			found = append(found, c)
		}
	}
	return found
}

// beforeRevoke changes the filters that Revoke is given.
func (m *mutable) beforeRevoke(change func(*store.Filter)) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		change(&f)
		return m.raw.Revoke(ctx, f, at)
	}
}

// afterRevoke changes the rows that Revoke matched.
func (m *mutable) afterRevoke(change func(at time.Time, before, after *store.Credential) *store.Credential) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		matched := m.matched(f, at)
		digests, err := m.raw.Revoke(ctx, f, at)
		if err == nil {
			for _, before := range matched {
				m.edit(before.ID, func(after *store.Credential) *store.Credential { return change(at, before, after) })
			}
		}
		return digests, err
	}
}
