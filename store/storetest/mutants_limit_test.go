package storetest

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func limitMutants() []mutant {
	return []mutant{
		{fault: "the limit is one too many", caught: []string{"limit-is-exact", "concurrent-insert-keeps-the-limit"}, plant: func(m *mutable) {
			m.limitWhere(func(n, limit int) bool { return limit <= 0 || n <= limit }, counts)
		}},
		{fault: "the limit is one too few", caught: []string{"limit-is-exact"}, plant: func(m *mutable) {
			m.limitWhere(func(n, limit int) bool { return limit <= 0 || n+1 < limit }, counts)
		}},
		{fault: "the limit is counted on a page", caught: []string{"limit-counts-more-than-a-page"}, plant: func(m *mutable) {
			m.limitWhere(func(n, limit int) bool { return limit <= 0 || min(n, store.DefaultLimit) < limit }, counts)
		}},
		{fault: "a negative limit allows nothing", caught: []string{"limit-zero-is-none"}, plant: func(m *mutable) {
			m.limitWhere(func(n, limit int) bool { return limit == 0 || n < limit }, counts)
		}},
		{fault: "the limit leaves out what never expires", caught: []string{"limit-counts-what-never-expires"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool { return counts(row, c) && !row.ExpiresAt.IsZero() })
		}},
		{fault: "the limit leaves out what expires within the second", caught: []string{"limit-counts-until-expiry"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool {
				return counts(row, c) && row.Active(c.CreatedAt.Add(time.Second))
			})
		}},
		{fault: "the limit counts what expires at that moment", caught: []string{"limit-ignores-expired"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool { return counts(row, c) || row.ExpiresAt.Equal(c.CreatedAt) })
		}},
		{fault: "the limit counts what has expired", caught: []string{"limit-ignores-expired"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool {
				return row.Subject == c.Subject && row.Kind == c.Kind && row.RevokedAt.IsZero()
			})
		}},
		{fault: "the limit counts what was revoked", caught: []string{"limit-ignores-revoked"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool {
				row = row.Clone()
				row.RevokedAt = time.Time{}
				return counts(row, c)
			})
		}},
		{fault: "the limit counts every kind", caught: []string{"limit-ignores-other-kinds"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool { return row.Subject == c.Subject && row.Active(c.CreatedAt) })
		}},
		{fault: "the limit counts subjects without case", caught: []string{"limit-ignores-other-subjects"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool {
				return strings.EqualFold(row.Subject, c.Subject) && row.Kind == c.Kind && row.Active(c.CreatedAt)
			})
		}},
		{fault: "the limit is counted by subject and kind joined", caught: []string{"limit-ignores-other-subjects"}, plant: func(m *mutable) {
			key := func(c *store.Credential) string { return c.Subject + ":" + string(c.Kind) }
			m.limitWhere(within, func(row, c *store.Credential) bool { return key(row) == key(c) && row.Active(c.CreatedAt) })
		}},
		{fault: "the limit leaves out what was rotated", caught: []string{"limit-counts-rotated-during-overlap"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool { return counts(row, c) && row.RotatedAt.IsZero() })
		}},
		{fault: "the limit asks the clock", caught: []string{"limit-is-judged-at-creation"}, plant: func(m *mutable) {
			m.limitWhere(within, func(row, c *store.Credential) bool {
				return row.Subject == c.Subject && row.Kind == c.Kind && row.Active(time.Now())
			})
		}},
	}
}

func within(n, limit int) bool { return limit <= 0 || n < limit }

// counts says whether row counts towards the limit for c.
func counts(row, c *store.Credential) bool {
	return row.Subject == c.Subject && row.Kind == c.Kind && row.Active(c.CreatedAt)
}

// limitWhere makes Insert allow c where the number of rows that count is
// allowed.
func (m *mutable) limitWhere(allowed func(n, limit int) bool, counts func(row, c *store.Credential) bool) {
	var mu sync.Mutex
	m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, row := range m.rows() {
			if counts(row, c) {
				n++
			}
		}
		if !allowed(n, limit) {
			return store.ErrLimit
		}
		return m.raw.Insert(ctx, c, 0)
	}
}
