package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

func exactMutants() []mutant {
	return []mutant{
		{fault: "IDs are compared without case", caught: []string{"ids-are-compared-exactly"}, plant: func(m *mutable) {
			m.getWhere(strings.EqualFold)
		}},
		{fault: "IDs are padded", caught: []string{"ids-are-compared-exactly"}, plant: func(m *mutable) {
			m.getWhere(padded)
		}},
		{fault: "Get takes IDs for patterns", caught: []string{"ids-are-compared-exactly"}, plant: func(m *mutable) {
			m.getWhere(like)
		}},
		{fault: "subjects are compared without case", caught: []string{"subjects-are-compared-exactly"}, plant: func(m *mutable) {
			m.subjectWhere(strings.EqualFold)
		}},
		{fault: "subjects are padded", caught: []string{"subjects-are-compared-exactly"}, plant: func(m *mutable) {
			m.subjectWhere(padded)
		}},
		{fault: "families are patterns", caught: []string{"families-are-compared-exactly"}, plant: func(m *mutable) {
			m.revokeWhere(like, func(c *store.Credential, f *store.Filter) (string, *string) { return c.Family, &f.Family })
		}},
		{fault: "clients are prefixes", caught: []string{"clients-are-compared-exactly"}, plant: func(m *mutable) {
			m.revokeWhere(strings.HasPrefix, func(c *store.Credential, f *store.Filter) (string, *string) { return c.ClientID, &f.ClientID })
		}},
	}
}

func padded(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }

// like compares s with a pattern as SQL does, for patterns with one wildcard.
func like(s, pattern string) bool {
	if before, ok := strings.CutSuffix(pattern, "%"); ok {
		return strings.HasPrefix(s, before)
	}
	return s == pattern || pattern == "_" && len(s) == 1
}

// getWhere makes Get return the first row whose ID equal accepts.
func (m *mutable) getWhere(equal func(stored, asked string) bool) {
	m.get = func(ctx context.Context, id string) (*store.Credential, error) {
		for _, c := range m.rows() {
			if equal(c.ID, id) {
				return c, nil
			}
		}
		return m.raw.Get(ctx, id)
	}
}

// subjectWhere makes List, Revoke and Erase select the rows whose subject equal
// accepts.
func (m *mutable) subjectWhere(equal func(stored, asked string) bool) {
	subjects := func(asked string) []string {
		all := []string{asked}
		for _, c := range m.rows() {
			if equal(c.Subject, asked) && !slices.Contains(all, c.Subject) {
				all = append(all, c.Subject)
			}
		}
		return all
	}
	m.list = func(ctx context.Context, q store.Query) (rows []*store.Credential, next store.Cursor, err error) {
		for _, q.Subject = range subjects(q.Subject) {
			some, more, err := m.raw.List(ctx, q)
			if err != nil {
				return nil, "", err
			}
			rows, next = append(rows, some...), more
		}
		return rows, next, nil
	}
	m.erase = func(ctx context.Context, subject string) (n int, err error) {
		for _, subject := range subjects(subject) {
			some, err := m.raw.Erase(ctx, subject)
			if err != nil {
				return n, err
			}
			n += some
		}
		return n, nil
	}
}

// revokeWhere makes Revoke compare one field of the rows and the filter by equal.
func (m *mutable) revokeWhere(equal func(stored, asked string) bool, field func(*store.Credential, *store.Filter) (string, *string)) {
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
		filters := []store.Filter{f}
		for _, c := range m.rows() {
			wider := f
			if stored, asked := field(c, &wider); *asked != "" && stored != *asked && equal(stored, *asked) {
				*asked = stored
				filters = append(filters, wider)
			}
		}
		for _, f := range filters {
			some, err := m.raw.Revoke(ctx, f, at)
			if err != nil {
				return nil, err
			}
			digests = append(digests, some...)
		}
		return digests, nil
	}
}
