package storetest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func listMutants() []mutant {
	// lastOf returns the last row before a page.
	lastOf := func(m *mutable, q store.Query) *store.Credential {
		_, id, _ := q.After.Position()
		last, _ := m.raw.Get(context.Background(), id)
		return last
	}
	return []mutant{
		{fault: "List is oldest first", caught: []string{"list-is-newest-first"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				slices.Reverse(rows)
				return rows
			})
		}},
		{fault: "List leaves ties in order of insertion", caught: []string{"list-breaks-ties-by-id"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				inserted := m.rows()
				slices.SortFunc(rows, func(a, b *store.Credential) int {
					return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(slices.Index(inserted, a), slices.Index(inserted, b)))
				})
				return rows
			})
		}},
		{fault: "List breaks ties as a dictionary does", caught: []string{"list-breaks-ties-by-id"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				slices.SortFunc(rows, func(a, b *store.Credential) int {
					return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(strings.ToLower(b.ID), strings.ToLower(a.ID)))
				})
				return rows
			})
		}},
		{fault: "List disregards the kind", caught: []string{"list-selects-by-subject-and-kind"}, plant: func(m *mutable) {
			m.listWhere(func(q store.Query, c *store.Credential) bool {
				return c.Subject == q.Subject && c.ClientID == q.ClientID
			})
		}},
		{fault: "List disregards the subject", caught: []string{"list-selects-by-subject-and-kind"}, plant: func(m *mutable) {
			m.listWhere(func(q store.Query, c *store.Credential) bool { return c.Kind == q.Kind && c.ClientID == q.ClientID })
		}},
		{fault: "List without a client shows those of all", caught: []string{"list-selects-by-client", "list-selects-by-subject-and-kind"}, plant: func(m *mutable) {
			m.listWhere(func(q store.Query, c *store.Credential) bool {
				return c.Subject == q.Subject && c.Kind == q.Kind && (q.ClientID == "" || c.ClientID == q.ClientID)
			})
		}},
		{fault: "List takes AnyClient for the name of one", caught: []string{"list-of-any-client"}, plant: func(m *mutable) {
			m.listWhere(func(q store.Query, c *store.Credential) bool {
				return c.Subject == q.Subject && c.Kind == q.Kind && c.ClientID == q.ClientID
			})
		}},
		{fault: "List of any client leaves out an account's own", caught: []string{"list-of-any-client"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return q.ClientID == store.AnyClient && c.ClientID == "" })
			})
		}},
		{fault: "List disregards Active", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) { q.Active = q.ClientID == store.AnyClient })
		}},
		{fault: "List takes what was rotated for inactive", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return q.Active && !c.RotatedAt.IsZero() })
			})
		}},
		{fault: "List takes what never expires for inactive", caught: []string{"list-active"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return q.Active && c.ExpiresAt.IsZero() })
			})
		}},
		{fault: "List returns one more", caught: []string{"list-limit", "pages-show-every-row-once"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) {
				if q.Limit > 0 {
					q.Limit++
				}
			})
		}},
		{fault: "List has no default limit", caught: []string{"list-default-limit"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) { q.Limit = cmp.Or(q.Limit, math.MaxInt) })
		}},
		{fault: "List never returns more than the default", caught: []string{"list-limit-above-default"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) { q.Limit = min(q.Limit, store.DefaultLimit) })
		}},
		{fault: "List of nothing is not found", caught: []string{"list-no-match-is-no-error"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
				rows, next, err := m.raw.List(ctx, q)
				if err == nil && len(rows) == 0 {
					err = store.ErrNotFound
				}
				return rows, next, err
			}
		}},
		{fault: "List takes an incomplete query", caught: []string{"list-refuses-incomplete-query"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
				if q.Validate() != nil {
					return m.rows(), "", nil
				}
				return m.raw.List(ctx, q)
			}
		}},
		{fault: "List takes a negative limit for the default", caught: []string{"list-refuses-incomplete-query"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) { q.Limit = max(q.Limit, 0) })
		}},
		{fault: "a malformed cursor is the first page", caught: []string{"list-refuses-incomplete-query"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) {
				if _, _, err := q.After.Position(); err != nil {
					q.After = ""
				}
			})
		}},
		{fault: "a page drops what is as old as the last row before it", caught: []string{"pages-show-every-row-once"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				last := lastOf(m, q)
				return slices.DeleteFunc(rows, func(c *store.Credential) bool { return last != nil && c.CreatedAt.Equal(last.CreatedAt) })
			})
		}},
		{fault: "a page begins with the last row before it", caught: []string{"pages-show-every-row-once"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				if last := lastOf(m, q); last != nil {
					rows = slices.Insert(rows, 0, last)
				}
				return rows
			})
		}},
		{fault: "a full page always has a next one", caught: []string{"pages-end"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
				rows, next, err := m.raw.List(ctx, q)
				if len(rows) > 0 && len(rows) == q.Limit {
					next = store.NewCursor(rows[len(rows)-1])
				}
				return rows, next, err
			}
		}},
		{fault: "there is no next page", caught: []string{"pages-end", "pages-show-every-row-once"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
				rows, _, err := m.raw.List(ctx, q)
				return rows, "", err
			}
		}},
		{fault: "a page ends the list where the row before it is gone from it", caught: []string{"pages-go-on-after-a-row-that-left"}, plant: func(m *mutable) {
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				if last := lastOf(m, q); q.After != "" && (last == nil || !q.Match(last, time.Now())) {
					return nil
				}
				return rows
			})
		}},
		{fault: "the account of a cursor is the one that is listed", caught: []string{"pages-of-another-account"}, plant: func(m *mutable) {
			m.beforeList(func(q *store.Query) {
				if last := lastOf(m, *q); last != nil {
					q.Subject = last.Subject
				}
			})
		}},
		{fault: "List shows what was deleted", caught: []string{"prune-leaves-no-trace", "erase-leaves-no-trace"}, plant: func(m *mutable) {
			var ever sync.Map
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				ever.Store(c.ID, c)
				return m.raw.add(ctx, c)
			})
			m.afterList(func(q store.Query, rows []*store.Credential) []*store.Credential {
				ever.Range(func(id, c any) bool {
					if _, err := m.raw.Get(context.Background(), id.(string)); err != nil && q.Match(c.(*store.Credential), time.Time{}) {
						rows = append(rows, c.(*store.Credential))
					}
					return true
				})
				return rows
			})
		}},
	}
}

// beforeList changes the queries that are passed to List.
func (m *mutable) beforeList(change func(*store.Query)) {
	m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
		change(&q)
		return m.raw.List(ctx, q)
	}
}

// afterList changes the results of List.
func (m *mutable) afterList(change func(store.Query, []*store.Credential) []*store.Credential) {
	m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
		rows, next, err := m.raw.List(ctx, q)
		return change(q, slices.Clone(rows)), next, err
	}
}

// listWhere makes List return the rows for which selects is true, active or not, as
// the first page.
func (m *mutable) listWhere(selects func(store.Query, *store.Credential) bool) {
	m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
		if _, _, err := m.raw.List(ctx, q); err != nil {
			return nil, "", err
		}
		rows := where(m.rows(), func(c *store.Credential) bool { return selects(q, c) })
		slices.SortFunc(rows, func(a, b *store.Credential) int { return oldest(b, a) })
		return rows, "", nil
	}
}
