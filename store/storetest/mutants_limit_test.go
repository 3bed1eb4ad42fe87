package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func limitMutants() []mutant {
	key := func(c *store.Credential) string { return c.Subject + ":" + string(c.Kind) }
	counting := func(counts func(row, c *store.Credential) bool) func(*mutable) {
		return func(m *mutable) { m.limit(limiter{counts: counts}) }
	}
	recent := func(counts func(row, c *store.Credential, since time.Time) bool) func(*mutable) {
		return func(m *mutable) { m.limit(limiter{recent: counts}) }
	}
	return []mutant{
		{fault: "the limit is one too many", caught: []string{"limit-is-exact", "concurrent-insert-keeps-the-limit"}, plant: func(m *mutable) {
			m.limit(limiter{change: func(l *store.Limits) { l.Active++ }})
		}},
		{fault: "the limit is one too few", caught: []string{"limit-is-exact"}, plant: func(m *mutable) {
			m.limit(limiter{change: func(l *store.Limits) { l.Active-- }})
		}},
		{fault: "the limit is counted on a page", caught: []string{"limit-counts-more-than-a-page"}, plant: func(m *mutable) {
			m.limit(limiter{change: func(l *store.Limits) {
				if l.Active > store.DefaultLimit {
					l.Active = 0
				}
			}})
		}},
		{fault: "a negative limit allows nothing", caught: []string{"limit-zero-is-none"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				if l.Active < 0 {
					return store.ErrLimit
				}
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "the limit leaves out what never expires", caught: []string{"limit-counts-what-never-expires"}, plant: counting(func(row, c *store.Credential) bool {
			return counts(row, c) && !row.ExpiresAt.IsZero()
		})},
		{fault: "the limit leaves out what expires within the second", caught: []string{"limit-counts-until-expiry"}, plant: counting(func(row, c *store.Credential) bool {
			return counts(row, c) && row.Active(c.CreatedAt.Add(time.Second))
		})},
		{fault: "the limit counts what expires at that moment", caught: []string{"limit-ignores-expired"}, plant: counting(func(row, c *store.Credential) bool {
			return counts(row, c) || row.ExpiresAt.Equal(c.CreatedAt)
		})},
		{fault: "the limit counts what was revoked", caught: []string{"limit-ignores-revoked"}, plant: counting(func(row, c *store.Credential) bool {
			return alike(row, c) && (row.ExpiresAt.IsZero() || row.ExpiresAt.After(c.CreatedAt))
		})},
		{fault: "the limit counts every kind", caught: []string{"limit-ignores-other-kinds"}, plant: counting(func(row, c *store.Credential) bool {
			return row.Subject == c.Subject && row.Active(c.CreatedAt)
		})},
		{fault: "the limit counts subjects without case", caught: []string{"limit-ignores-other-subjects"}, plant: counting(func(row, c *store.Credential) bool {
			return strings.EqualFold(row.Subject, c.Subject) && row.Kind == c.Kind && row.Active(c.CreatedAt)
		})},
		{fault: "the limit is counted by subject and kind joined", caught: []string{"limit-ignores-other-subjects"}, plant: counting(func(row, c *store.Credential) bool {
			return key(row) == key(c) && row.Active(c.CreatedAt)
		})},
		{fault: "the limit counts every client", caught: []string{"limit-ignores-other-clients"}, plant: counting(func(row, c *store.Credential) bool {
			return row.Subject == c.Subject && row.Kind == c.Kind && row.Current(c.CreatedAt)
		})},
		{fault: "the limit counts what was rotated", caught: []string{"limit-ignores-rotated", "limit-ends-the-oldest"}, plant: counting(func(row, c *store.Credential) bool {
			return alike(row, c) && row.Active(c.CreatedAt)
		})},
		{fault: "the limit asks the clock", caught: []string{"limit-is-judged-at-creation"}, plant: counting(func(row, c *store.Credential) bool {
			return alike(row, c) && row.Current(time.Now())
		})},
		{fault: "the newest ends instead of the oldest", caught: []string{"limit-ends-the-oldest", "bounded-by-what-is-live"}, plant: func(m *mutable) {
			m.limit(limiter{order: func(a, b *store.Credential) int { return oldest(b, a) }})
		}},
		{fault: "of equally old ones any ends", caught: []string{"limit-ends-the-oldest"}, plant: func(m *mutable) {
			m.limit(limiter{order: func(a, b *store.Credential) int {
				return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(b.ID, a.ID))
			}})
		}},
		{fault: "only one ends", caught: []string{"limit-ends-as-many-as-needed"}, plant: func(m *mutable) {
			m.limit(limiter{most: 1})
		}},
		{fault: "what has ended is not returned", caught: []string{"limit-ends-the-oldest", "concurrent-insert-ends-the-oldest-exactly"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
				_, err := m.raw.Insert(ctx, c, l)
				return nil, err
			}
		}},
		{fault: "the oldest end even where Insert refuses", caught: []string{"limit-ends-as-many-as-needed"}, plant: func(m *mutable) {
			m.limit(limiter{endFirst: true})
		}},
		{fault: "the rate counts only what is active", caught: []string{"limit-recent-is-exact"}, plant: recent(func(row, c *store.Credential, since time.Time) bool {
			return counts(row, c) && !row.CreatedAt.Before(since)
		})},
		{fault: "the rate leaves out its first moment", caught: []string{"limit-recent-is-exact", "limit-recent-counts-apart"}, plant: recent(func(row, c *store.Credential, since time.Time) bool {
			return alike(row, c) && row.CreatedAt.After(since)
		})},
		{fault: "the rate counts all that ever was", caught: []string{"limit-recent-is-exact", "bounded-by-what-is-live"}, plant: recent(func(row, c *store.Credential, since time.Time) bool {
			return alike(row, c)
		})},
		{fault: "the rate counts every client", caught: []string{"limit-recent-counts-apart"}, plant: recent(func(row, c *store.Credential, since time.Time) bool {
			return row.Subject == c.Subject && row.Kind == c.Kind && !row.CreatedAt.Before(since)
		})},
		{fault: "Rotate disregards the rate", caught: []string{"limit-recent-is-exact", "concurrent-creation-keeps-the-rate"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				return m.raw.Rotate(ctx, id, until, next, store.Limits{})
			}
		}},
	}
}

// alike reports whether row and c have the same limits.
func alike(row, c *store.Credential) bool {
	return row.Subject == c.Subject && row.Kind == c.Kind && row.ClientID == c.ClientID
}

// counts reports whether row counts toward the limit for c.
func counts(row, c *store.Credential) bool { return alike(row, c) && row.Current(c.CreatedAt) }

func oldest(a, b *store.Credential) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// A limiter describes how a faulty Insert counts. Zero fields are correct.
type limiter struct {
	change   func(*store.Limits)
	counts   func(row, c *store.Credential) bool
	recent   func(row, c *store.Credential, since time.Time) bool
	order    func(a, b *store.Credential) int
	most     int // how many credentials one Insert may end
	endFirst bool
}

// limit makes Insert count as r describes.
func (m *mutable) limit(r limiter) {
	if r.counts == nil {
		r.counts = counts
	}
	if r.recent == nil {
		r.recent = func(row, c *store.Credential, since time.Time) bool {
			return alike(row, c) && !row.CreatedAt.Before(since)
		}
	}
	if r.order == nil {
		r.order = oldest
	}
	var mu sync.Mutex
	m.insert = func(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
		mu.Lock()
		defer mu.Unlock()
		if l == (store.Limits{}) {
			return m.raw.Insert(ctx, c, l)
		}
		if r.change != nil && l.Active > 0 {
			r.change(&l)
		}
		rows := m.rows()
		if l.Recent > 0 && len(where(rows, func(row *store.Credential) bool { return r.recent(row, c, l.Since) })) >= l.Recent {
			return nil, store.ErrLimit
		}
		held := where(rows, func(row *store.Credential) bool { return r.counts(row, c) })
		slices.SortFunc(held, r.order)
		if excess := len(held) - l.Active + 1; l.Active > 0 && excess > 0 {
			if !l.EndOldest {
				return nil, store.ErrLimit
			}
			held = held[:min(excess, cmp.Or(r.most, excess))]
		} else {
			held = nil
		}
		if !r.endFirst {
			if err := m.raw.add(ctx, c); err != nil {
				return nil, err
			}
		}
		for _, row := range held {
			ds, _ := m.raw.Revoke(ctx, store.Filter{ID: row.ID}, c.CreatedAt)
			ended = append(ended, ds...)
		}
		if r.endFirst {
			if err := m.raw.add(ctx, c); err != nil {
				return nil, err
			}
		}
		return ended, nil
	}
}
