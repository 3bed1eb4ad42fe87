package storetest

import (
	"context"
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
			m.selectWhere(strings.EqualFold, func(c *store.Credential, f *store.Filter) (string, *string) { return c.Subject, &f.Subject })
		}},
		{fault: "subjects are padded", caught: []string{"subjects-are-compared-exactly"}, plant: func(m *mutable) {
			m.selectWhere(padded, func(c *store.Credential, f *store.Filter) (string, *string) { return c.Subject, &f.Subject })
		}},
		{fault: "families are patterns", caught: []string{"families-are-compared-exactly"}, plant: func(m *mutable) {
			m.selectWhere(like, func(c *store.Credential, f *store.Filter) (string, *string) { return c.Family, &f.Family })
		}},
		{fault: "parents are prefixes", caught: []string{"parents-are-compared-exactly"}, plant: func(m *mutable) {
			m.selectWhere(strings.HasPrefix, func(c *store.Credential, f *store.Filter) (string, *string) { return c.Parent, &f.Parent })
		}},
	}
}

func padded(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }

// like compares s with a pattern as SQL does, as far as one wildcard goes.
func like(s, pattern string) bool {
	if before, ok := strings.CutSuffix(pattern, "%"); ok {
		return strings.HasPrefix(s, before)
	}
	return s == pattern || pattern == "_" && len(s) == 1
}

// getWhere makes Get return the first row whose ID is equal enough.
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

// selectWhere makes List and Revoke select the rows of which one field is equal
// enough to that of the filter.
func (m *mutable) selectWhere(equal func(stored, asked string) bool, field func(*store.Credential, *store.Filter) (string, *string)) {
	values := func(f store.Filter) []store.Filter {
		all := []store.Filter{f}
		for _, c := range m.rows() {
			stored, asked := field(c, &f)
			if *asked == "" || stored == *asked || !equal(stored, *asked) {
				continue
			}
			wider := f
			_, asked = field(c, &wider)
			*asked = stored
			all = append(all, wider)
		}
		return all
	}
	m.list = func(ctx context.Context, f store.Filter) (rows []*store.Credential, err error) {
		for _, f := range values(f) {
			some, err := m.raw.List(ctx, f)
			if err != nil {
				return nil, err
			}
			rows = append(rows, some...)
		}
		return rows, nil
	}
	m.revoke = func(ctx context.Context, f store.Filter, at time.Time) (digests []store.Digest, err error) {
		for _, f := range values(f) {
			some, err := m.raw.Revoke(ctx, f, at)
			if err != nil {
				return nil, err
			}
			digests = append(digests, some...)
		}
		return digests, nil
	}
}
