package storetest

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/keystile/keystile/store"
)

func updateMutants() []mutant {
	updating := func(change func(ch *store.Changes)) func(*mutable) {
		return func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				change(&ch)
				return m.raw.Update(ctx, id, ch)
			}
		}
	}
	return []mutant{
		{fault: "Update without a name removes it", caught: []string{"update-changes-what-it-names"}, plant: updating(func(ch *store.Changes) {
			if ch.Name == nil {
				ch.Name = new(string)
			}
		})},
		{fault: "Update leaves out networks", caught: []string{"update-changes-what-it-names", "update-clears-fields"}, plant: updating(func(ch *store.Changes) {
			ch.Networks = nil
		})},
		{fault: "Update takes empty for unchanged", caught: []string{"update-clears-fields"}, plant: updating(func(ch *store.Changes) {
			if ch.Networks != nil && len(*ch.Networks) == 0 {
				ch.Networks = nil
			}
		})},
		{fault: "Update returns the row as it was", caught: []string{"update-returns-the-row"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				before, _ := m.raw.Get(ctx, id)
				_, err := m.raw.Update(ctx, id, ch)
				return before, err
			}
		}},
		{fault: "Update revives", caught: []string{"update-never-revives"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				c, err := m.raw.Update(ctx, id, ch)
				m.edit(id, func(c *store.Credential) *store.Credential {
					c.RevokedAt = time.Time{}
					return c
				})
				return c, err
			}
		}},
		{fault: "Update of the unknown succeeds", caught: []string{"update-unknown-is-not-found"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				c, err := m.raw.Update(ctx, id, ch)
				if errors.Is(err, store.ErrNotFound) {
					return credential(), nil
				}
				return c, err
			}
		}},
	}
}

func eraseMutants() []mutant {
	return []mutant{
		{fault: "Erase revokes and deletes nothing", caught: []string{"erase-deletes-the-account", "erase-has-no-page"}, plant: func(m *mutable) {
			m.erase = func(ctx context.Context, subject string) (int, error) {
				ds, err := m.raw.Revoke(ctx, store.Filter{Subject: subject}, time.Now())
				return len(ds), err
			}
		}},
		{fault: "Erase leaves what has ended", caught: []string{"erase-deletes-the-account"}, plant: func(m *mutable) {
			m.eraseWhere(func(c *store.Credential, subject string, n int) bool {
				return c.Subject == subject && c.Active(time.Now())
			})
		}},
		{fault: "Erase deletes tokens only", caught: []string{"erase-deletes-the-account"}, plant: func(m *mutable) {
			m.eraseWhere(func(c *store.Credential, subject string, n int) bool {
				return c.Subject == subject && c.Kind == store.KindToken
			})
		}},
		{fault: "Erase takes the empty subject for every account", caught: []string{"erase-deletes-the-account"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
				m.raw.add(ctx, credential())
				return m.raw.Insert(ctx, c, l)
			}
			m.eraseWhere(func(c *store.Credential, subject string, n int) bool { return c.Subject == subject || subject == "" })
		}},
		{fault: "Erase deletes a client's of another account", caught: []string{"erase-spares-other-accounts"}, plant: func(m *mutable) {
			m.eraseWhere(func(c *store.Credential, subject string, n int) bool { return c.Subject == subject || c.ClientID != "" })
		}},
		{fault: "Erase deletes a page", caught: []string{"erase-has-no-page"}, plant: func(m *mutable) {
			m.eraseWhere(func(c *store.Credential, subject string, n int) bool {
				return c.Subject == subject && n < 2*store.DefaultLimit
			})
		}},
		{fault: "a canceled Erase erases", caught: []string{"canceled-erase-changes-nothing"}, plant: func(m *mutable) {
			m.erase = func(ctx context.Context, subject string) (int, error) {
				n, err := m.raw.Erase(context.WithoutCancel(ctx), subject)
				return n, errors.Join(err, ctx.Err())
			}
		}},
		{fault: "a canceled Update updates", caught: []string{"canceled-update-changes-nothing"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				c, err := m.raw.Update(context.WithoutCancel(ctx), id, ch)
				return c, errors.Join(err, ctx.Err())
			}
		}},
	}
}

// eraseWhere makes Erase delete the rows for which del returns true. It passes the
// number of rows that are deleted already.
func (m *mutable) eraseWhere(del func(c *store.Credential, subject string, n int) bool) {
	m.erase = func(ctx context.Context, subject string) (n int, err error) {
		for _, c := range m.rows() {
			if del(c, subject, n) {
				m.edit(c.ID, func(*store.Credential) *store.Credential { return nil })
				n++
			}
		}
		return n, ctx.Err()
	}
}

func scanMutants() []mutant {
	scanning := func(change func(f *store.ScanFilter)) func(*mutable) {
		return func(m *mutable) {
			m.scan = func(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
				change(&f)
				return m.raw.Scan(ctx, f)
			}
		}
	}
	return []mutant{
		{fault: "Scan yields one page", caught: []string{"scan-yields-every-account"}, plant: func(m *mutable) {
			m.scan = func(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
				return func(yield func(*store.Credential, error) bool) {
					n := 0
					for c, err := range m.raw.Scan(ctx, f) {
						if n++; n > 1000 || !yield(c, err) {
							return
						}
					}
				}
			}
		}},
		{fault: "Scan disregards the kind", caught: []string{"scan-selects"}, plant: scanning(func(f *store.ScanFilter) { f.Kind = "" })},
		{fault: "Scan disregards Active", caught: []string{"scan-selects"}, plant: scanning(func(f *store.ScanFilter) { f.Active = false })},
		{fault: "Scan disregards the expiry", caught: []string{"scan-selects"}, plant: scanning(func(f *store.ScanFilter) { f.ExpiringBefore = time.Time{} })},
		{fault: "Scan disregards the last use", caught: []string{"scan-selects"}, plant: scanning(func(f *store.ScanFilter) { f.UnusedSince = time.Time{} })},
		{fault: "Scan does not stop", caught: []string{"scan-stops"}, plant: func(m *mutable) {
			m.scan = func(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
				return func(yield func(*store.Credential, error) bool) {
					for c, err := range m.raw.Scan(ctx, f) {
						yield(c, err)
					}
				}
			}
		}},
	}
}
