package storetest

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

func listMutants() []mutant {
	return []mutant{
		{fault: "List is oldest first", caught: []string{"list-is-newest-first"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				slices.Reverse(rows)
				return rows
			})
		}},
		{fault: "List leaves ties in order of insertion", caught: []string{"list-breaks-ties-by-id"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				inserted := m.rows()
				slices.SortFunc(rows, func(a, b *store.Credential) int {
					return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(slices.Index(inserted, a), slices.Index(inserted, b)))
				})
				return rows
			})
		}},
		{fault: "List breaks ties as a dictionary does", caught: []string{"list-breaks-ties-by-id"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				slices.SortFunc(rows, func(a, b *store.Credential) int {
					return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(strings.ToLower(b.ID), strings.ToLower(a.ID)))
				})
				return rows
			})
		}},
		{fault: "List disregards the kind", caught: []string{"list-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) {
				if f.Subject+f.Family+f.Parent+f.ID != "" {
					f.Kind = ""
				}
			})
		}},
		{fault: "List disregards all but the ID", caught: []string{"list-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) {
				if f.ID != "" {
					*f = store.Filter{ID: f.ID}
				}
			})
		}},
		{fault: "List disregards the parent where there is a subject", caught: []string{"list-selects-by-every-field"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) {
				if f.Subject != "" {
					f.Parent = ""
				}
			})
		}},
		{fault: "List disregards Except", caught: []string{"list-except"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) { f.Except = "" })
		}},
		{fault: "List applies Except after Limit", caught: []string{"list-except"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				except := f.Except
				f.Except = ""
				rows, err := m.raw.List(ctx, f)
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return c.ID == except }), err
			}
		}},
		{fault: "List disregards Active", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) { f.Active = false })
		}},
		{fault: "List takes what was rotated for inactive", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return f.Active && !c.RotatedAt.IsZero() })
			})
		}},
		{fault: "List takes what never expires for inactive", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return f.Active && c.ExpiresAt.IsZero() })
			})
		}},
		{fault: "List returns one more", caught: []string{"list-limit"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) {
				if f.Limit > 0 {
					f.Limit++
				}
			})
		}},
		{fault: "List has no default limit", caught: []string{"list-default-limit"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) { f.Limit = cmp.Or(f.Limit, math.MaxInt) })
		}},
		{fault: "List never returns more than the default", caught: []string{"list-limit-above-default"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) { f.Limit = min(f.Limit, store.DefaultLimit) })
		}},
		{fault: "List of nothing is not found", caught: []string{"list-no-match-is-no-error"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				rows, err := m.raw.List(ctx, f)
				if err == nil && len(rows) == 0 {
					err = store.ErrNotFound
				}
				return rows, err
			}
		}},
		{fault: "List takes an empty filter for everyone", caught: []string{"list-refuses-empty-filter"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				if f.Limit >= 0 && f.Validate() != nil {
					return m.rows(), nil
				}
				return m.raw.List(ctx, f)
			}
		}},
		{fault: "List takes a kind for enough", caught: []string{"list-refuses-empty-filter"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				if f.Kind != "" && f.Limit >= 0 && f.Validate() != nil {
					return m.rows(), nil
				}
				return m.raw.List(ctx, f)
			}
		}},
		{fault: "List takes a negative limit for the default", caught: []string{"list-refuses-negative-limit"}, plant: func(m *mutable) {
			m.beforeList(func(f *store.Filter) { f.Limit = max(f.Limit, 0) })
		}},
		{fault: "a page drops what is as old as the last row before it", caught: []string{"pages-show-every-row-once"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				last, _ := m.raw.Get(context.Background(), f.Before)
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return last != nil && c.CreatedAt.Equal(last.CreatedAt) })
			})
		}},
		{fault: "a page begins with the last row before it", caught: []string{"pages-show-every-row-once"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				if last, _ := m.raw.Get(context.Background(), f.Before); last != nil {
					rows = slices.Insert(rows, 0, last)
				}
				return rows
			})
		}},
		{fault: "a page ends the list where the row before it is gone from it", caught: []string{"pages-go-on-after-a-row-that-left"}, plant: func(m *mutable) {
			m.afterList(func(f store.Filter, rows []*store.Credential) []*store.Credential {
				last, _ := m.raw.Get(context.Background(), f.Before)
				if last != nil && !f.Match(last, time.Now()) {
					return nil
				}
				return rows
			})
		}},
		{fault: "an unknown Before is the first page", caught: []string{"page-before-unknown-is-not-found"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				rows, err := m.raw.List(ctx, f)
				if errors.Is(err, store.ErrNotFound) {
					f.Before = ""
					return m.raw.List(ctx, f)
				}
				return rows, err
			}
		}},
		{fault: "an unknown Before is an empty page", caught: []string{"page-before-unknown-is-not-found"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				rows, err := m.raw.List(ctx, f)
				if errors.Is(err, store.ErrNotFound) {
					return nil, nil
				}
				return rows, err
			}
		}},
	}
}

// beforeList changes the filters that List is given.
func (m *mutable) beforeList(change func(*store.Filter)) {
	m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
		change(&f)
		return m.raw.List(ctx, f)
	}
}

// afterList changes what List returns.
func (m *mutable) afterList(change func(store.Filter, []*store.Credential) []*store.Credential) {
	m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
		rows, err := m.raw.List(ctx, f)
		return change(f, rows), err
	}
}
