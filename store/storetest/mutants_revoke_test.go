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
				matched := m.matched(f)
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
		{fault: "Revoke disregards the client where there is a family", caught: []string{"revoke-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) {
				if f.Family != "" {
					f.ClientID = ""
				}
			})
		}},
		{fault: "Revoke disregards the kind", caught: []string{"revoke-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) {
				if f.Subject+f.ID != "" {
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
			m.beforeRevoke(func(f *store.Filter) { f.Except = nil })
		}},
		{fault: "Revoke looks at the first Except only", caught: []string{"revoke-except"}, plant: func(m *mutable) {
			m.beforeRevoke(func(f *store.Filter) { f.Except = f.Except[:min(1, len(f.Except))] })
		}},
		{fault: "Revoke takes what has long expired, too", caught: []string{"revoke-spares-what-has-long-expired"}, plant: func(m *mutable) {
			m.revokeWhen(func(c *store.Credential, at time.Time) bool { return true })
		}},
		{fault: "Revoke spares what has just expired", caught: []string{"revoke-allows-for-clocks"}, plant: func(m *mutable) {
			m.revokeWhen(func(c *store.Credential, at time.Time) bool { return c.Active(at) })
		}},
		{fault: "Revoke spares what never expires", caught: []string{"limit-ignores-revoked", "list-active"}, plant: func(m *mutable) {
			m.revokeWhen(func(c *store.Credential, at time.Time) bool { return c.Live(at) && !c.ExpiresAt.IsZero() })
		}},
		{fault: "Revoke of a family leaves out the first, which names none", caught: []string{"revoke-family-of-the-first"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				for _, c := range m.matched(f) {
					if f.Family != "" && c.Family != f.Family {
						f.Except = append(f.Except, c.ID)
					}
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "Revoke fails where an account has a long history", caught: []string{"bounded-by-what-is-live"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if len(m.rows()) > 1000 {
					return nil, context.DeadlineExceeded
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "Revoke takes one page", caught: []string{"revoke-has-no-page"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				matched := m.matched(f)
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
				if f.Validate() == nil && len(m.matched(f)) == 0 {
					return nil, store.ErrNotFound
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "Revoke takes an empty filter for every account", caught: []string{"revoke-refuses-empty-filter"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
				if f.Validate() == nil {
					return m.raw.Revoke(ctx, f, at)
				}
				for _, c := range m.matched(f) {
					some, _ := m.raw.Revoke(ctx, store.Filter{ID: c.ID}, at)
					digests = append(digests, some...)
				}
				return digests, nil
			}
		}},
		{fault: "Revoke takes an empty filter for no account", caught: []string{"revoke-refuses-empty-filter"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if f.Validate() != nil {
					return nil, nil
				}
				return m.raw.Revoke(ctx, f, at)
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
				for _, c := range m.matched(f) {
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

// roundsToZero reports whether t is not zero but rounds down to the zero time.
func roundsToZero(t time.Time) bool { return !t.IsZero() && t.Truncate(time.Microsecond).IsZero() }

// zeroRevoke makes Revoke call revoke if the time is zero.
func (m *mutable) zeroRevoke(zero func(time.Time) bool, revoke func(context.Context, store.Filter) ([]store.Digest, error)) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		if zero(at) {
			return revoke(ctx, f)
		}
		return m.raw.Revoke(ctx, f, at)
	}
}

// revokeWhen makes Revoke change the rows for which live reports true.
func (m *mutable) revokeWhen(live func(c *store.Credential, at time.Time) bool) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
		if _, err := m.raw.Revoke(ctx, store.Filter{ID: "unknown"}, at); err != nil {
			return nil, err
		}
		for _, c := range m.rows() {
			if f.Match(c) && c.RevokedAt.IsZero() && live(c, at) {
				m.edit(c.ID, func(c *store.Credential) *store.Credential { return revoked(c, at) })
				digests = append(digests, c.Digest)
			}
		}
		return digests, nil
	}
}

// beforeRevoke changes the filters that are passed to Revoke.
func (m *mutable) beforeRevoke(change func(*store.Filter)) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		change(&f)
		return m.raw.Revoke(ctx, f, at)
	}
}

// afterRevoke changes the rows that matched the filter, after Revoke.
func (m *mutable) afterRevoke(change func(at time.Time, before, after *store.Credential) *store.Credential) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
		matched := m.matched(f)
		digests, err := m.raw.Revoke(ctx, f, at)
		if err == nil {
			for _, before := range matched {
				m.edit(before.ID, func(after *store.Credential) *store.Credential { return change(at, before, after) })
			}
		}
		return digests, err
	}
}
