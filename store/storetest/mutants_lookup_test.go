package storetest

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

func lookupMutants() []mutant {
	return []mutant{
		{fault: "data ends at its first zero byte", caught: []string{"insert-keeps-every-field"}, plant: func(m *mutable) {
			m.onWrite(func(c *store.Credential) { c.Data, _, _ = bytes.Cut(c.Data, []byte{0}) })
		}},
		{fault: "networks are lost", caught: []string{"insert-keeps-every-field"}, plant: func(m *mutable) {
			m.onWrite(func(c *store.Credential) { c.Networks = nil })
		}},
		{fault: "networks are masked", caught: []string{"insert-keeps-every-field"}, plant: func(m *mutable) {
			m.onWrite(func(c *store.Credential) {
				for i := range c.Networks {
					c.Networks[i] = c.Networks[i].Masked()
				}
			})
		}},
		{fault: "networks are IPv4 only", caught: []string{"insert-keeps-every-field"}, plant: func(m *mutable) {
			m.onWrite(func(c *store.Credential) {
				var kept []netip.Prefix
				for _, n := range c.Networks {
					if n.Addr().Is4() {
						kept = append(kept, n)
					}
				}
				c.Networks = kept
			})
		}},
		{fault: "scopes are joined by spaces", caught: []string{"insert-keeps-every-field"}, plant: func(m *mutable) {
			m.onWrite(func(c *store.Credential) { c.Scopes = strings.Fields(strings.Join(c.Scopes, " ")) })
		}},
		{fault: "no scopes are one empty scope", caught: []string{"insert-keeps-empty-fields"}, plant: func(m *mutable) {
			m.onRead(func(c *store.Credential) { c.Scopes = strings.Split(strings.Join(c.Scopes, "\x00"), "\x00") })
		}},
		{fault: "Find answers nothing without an error", caught: []string{"find-unknown-is-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				c, err := m.raw.Find(ctx, k, d)
				if errors.Is(err, store.ErrNotFound) {
					return nil, nil
				}
				return c, err
			}
		}},
		{fault: "an ID that cannot be kept is an outage", caught: []string{"get-unknown-is-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				if strings.Contains(id, "\x00") {
					return nil, errors.New("invalid byte sequence")
				}
				return m.raw.Get(ctx, id)
			}
		}},
		{fault: "Get answers nothing without an error", caught: []string{"get-unknown-is-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				c, err := m.raw.Get(ctx, id)
				if errors.Is(err, store.ErrNotFound) {
					return nil, nil
				}
				return c, err
			}
		}},
		{fault: "Find remembers what it did not find", caught: []string{"find-after-a-miss"}, plant: func(m *mutable) {
			var missing sync.Map
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if _, ok := missing.Load(d); ok {
					return nil, store.ErrNotFound
				}
				c, err := m.raw.Find(ctx, k, d)
				if errors.Is(err, store.ErrNotFound) {
					missing.Store(d, true)
				}
				return c, err
			}
		}},
		{fault: "Find compares the first 16 bytes", caught: []string{"find-compares-whole-digest"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Kind == k && bytes.Equal(c.Digest[:16], d[:16])
			})
		}},
		{fault: "Find compares 31 bytes", caught: []string{"find-compares-whole-digest", "digests-that-start-alike-are-kept-apart"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Kind == k && bytes.Equal(c.Digest[:31], d[:31])
			})
		}},
		{fault: "Find disregards the top bit of each byte", caught: []string{"find-compares-whole-digest"}, plant: func(m *mutable) {
			ascii := func(d store.Digest) store.Digest {
				for i := range d {
					d[i] &= 0x7f
				}
				return d
			}
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Kind == k && ascii(c.Digest) == ascii(d)
			})
		}},
		{fault: "the first 8 bytes of a digest are unique", caught: []string{"digests-that-start-alike-are-kept-apart"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				for _, row := range m.rows() {
					if bytes.Equal(row.Digest[:8], c.Digest[:8]) {
						return store.ErrExists
					}
				}
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "Find disregards the kind", caught: []string{"find-keeps-kinds-apart"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool { return c.Digest == d })
		}},
		{fault: "Find takes no kind for any", caught: []string{"find-keeps-kinds-apart"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Digest == d && (k == "" || c.Kind == k)
			})
		}},
		{fault: "Find hides what has expired", caught: []string{"find-returns-expired"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Kind == k && c.Digest == d && (c.ExpiresAt.IsZero() || time.Now().Before(c.ExpiresAt))
			})
		}},
		{fault: "Find hides what was revoked", caught: []string{"find-returns-revoked"}, plant: func(m *mutable) {
			m.findWhere(func(c *store.Credential, k store.Kind, d store.Digest) bool {
				return c.Kind == k && c.Digest == d && c.RevokedAt.IsZero()
			})
		}},
		{fault: "a digest is unique within its kind", caught: []string{"digest-is-unique-across-kinds"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				err := m.raw.add(ctx, c)
				if _, absent := m.raw.Find(ctx, c.Kind, c.Digest); errors.Is(err, store.ErrExists) && absent != nil {
					return nil
				}
				return err
			})
		}},
		{fault: "an ID is unique within its kind", caught: []string{"id-is-unique"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				err := m.raw.add(ctx, c)
				if row, _ := m.raw.Get(ctx, c.ID); row != nil && row.Kind != c.Kind {
					return nil
				}
				return err
			})
		}},
		{fault: "a refused Insert replaces the row", caught: []string{"refused-insert-changes-nothing"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				err := m.raw.add(ctx, c)
				if errors.Is(err, store.ErrExists) {
					m.edit(c.ID, func(*store.Credential) *store.Credential { return c })
				}
				return err
			})
		}},
	}
}

// findWhere makes Find return the first row that equal accepts.
func (m *mutable) findWhere(equal func(*store.Credential, store.Kind, store.Digest) bool) {
	m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, c := range m.rows() {
			if equal(c, k, d) {
				return c, nil
			}
		}
		return nil, store.ErrNotFound
	}
}
