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
		{fault: "Get answers nothing without an error", caught: []string{"get-unknown-is-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				c, err := m.raw.Get(ctx, id)
				if errors.Is(err, store.ErrNotFound) {
					return nil, nil
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
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				for _, row := range m.rows() {
					if bytes.Equal(row.Digest[:8], c.Digest[:8]) {
						return store.ErrExists
					}
				}
				return m.raw.Insert(ctx, c, limit)
			}
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
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				err := m.raw.Insert(ctx, c, limit)
				if _, absent := m.raw.Find(ctx, c.Kind, c.Digest); errors.Is(err, store.ErrExists) && absent != nil {
					return nil
				}
				return err
			}
		}},
		{fault: "an ID is unique within its kind", caught: []string{"id-is-unique"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				err := m.raw.Insert(ctx, c, limit)
				if row, _ := m.raw.Get(ctx, c.ID); row != nil && row.Kind != c.Kind {
					return nil
				}
				return err
			}
		}},
		{fault: "a refused Insert replaces the row", caught: []string{"refused-insert-changes-nothing"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				err := m.raw.Insert(ctx, c, limit)
				if errors.Is(err, store.ErrExists) {
					m.edit(c.ID, func(*store.Credential) *store.Credential { return c })
				}
				return err
			}
		}},
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
		{fault: "times are whole seconds", caught: []string{"times-keep-microseconds"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time { return t.Truncate(time.Second) }))
		}},
		{fault: "Touch writes milliseconds", caught: []string{"times-keep-microseconds"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				return m.raw.Touch(ctx, id, at.Truncate(time.Millisecond))
			}
		}},
		{fault: "Revoke writes milliseconds", caught: []string{"times-keep-microseconds", "revoke-is-seen-by-every-read"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				return m.raw.Revoke(ctx, f, at.Truncate(time.Millisecond))
			}
		}},
		{fault: "times are rounded to the nearest microsecond", caught: []string{"times-round-down"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time { return t.Round(time.Microsecond) }))
		}},
		{fault: "Rotate rounds until up", caught: []string{"times-round-down"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				return m.raw.Rotate(ctx, id, until.Add(999), next)
			}
		}},
		{fault: "times come back in the zone of the server", caught: []string{"times-are-utc"}, plant: func(m *mutable) {
			m.onRead(everyTime(func(t time.Time) time.Time { return t.In(time.FixedZone("server", 0)) }))
		}},
		{fault: "times lose their zone", caught: []string{"times-are-utc"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time {
				return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
			}))
		}},
		{fault: "never is the epoch", caught: []string{"zero-times-stay-never", "insert-keeps-empty-fields"}, plant: func(m *mutable) {
			m.onRead(everyTime(func(t time.Time) time.Time {
				if t.IsZero() {
					return time.Unix(0, 0).UTC()
				}
				return t
			}))
		}},
		{fault: "the epoch is never", caught: []string{"epoch-is-not-never"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time {
				if t.Unix() == 0 {
					return time.Time{}
				}
				return t
			}))
		}},
		{fault: "times are nanoseconds since 1970", caught: []string{"far-times-are-kept"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time {
				if t.IsZero() {
					return t
				}
				return time.Unix(0, t.UnixNano())
			}))
		}},
		{fault: "times are floating-point numbers", caught: []string{"far-times-are-kept"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time {
				if t.IsZero() {
					return t
				}
				return time.UnixMicro(int64(float64(t.UnixMicro())))
			}))
		}},
		{fault: "Insert keeps the caller's slices", caught: []string{"insert-copies"}, plant: func(m *mutable) {
			keep := m.sharing()
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				keep(c)
				return m.raw.Insert(ctx, c, limit)
			}
		}},
		{fault: "Rotate keeps the caller's slices", caught: []string{"rotate-copies"}, plant: func(m *mutable) {
			keep := m.sharing()
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				keep(next)
				return m.raw.Rotate(ctx, id, until, next)
			}
		}},
		{fault: "Touch writes to the row that was returned", caught: []string{"returned-credentials-do-not-change"}, inPlace: true, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				c, err := m.raw.Get(ctx, id)
				if err == nil && at.After(c.LastUsedAt) {
					c.LastUsedAt = at.UTC().Truncate(time.Microsecond)
				}
				return err
			}
		}},
		{fault: "Revoke writes to the row that was returned", caught: []string{"returned-credentials-do-not-change"}, inPlace: true, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				before := m.rows()
				digests, err := m.raw.Revoke(ctx, f, at)
				for _, c := range before {
					if row, err := m.raw.Get(ctx, c.ID); err == nil {
						c.RevokedAt = row.RevokedAt
					}
				}
				return digests, err
			}
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

// everyTime returns a change of all times of a credential.
func everyTime(change func(time.Time) time.Time) func(*store.Credential) {
	return func(c *store.Credential) {
		for _, t := range []*time.Time{&c.CreatedAt, &c.ExpiresAt, &c.RotatedAt, &c.RevokedAt, &c.LastUsedAt} {
			*t = change(*t)
		}
	}
}

// findWhere makes Find return the first row that is equal enough.
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

// sharing makes every row that was given to keep share its slices with the
// credential that it was made of.
func (m *mutable) sharing() (keep func(*store.Credential)) {
	var given sync.Map // store.Credential by ID
	m.onRead(func(c *store.Credential) {
		if g, ok := given.Load(c.ID); ok {
			g := g.(store.Credential)
			c.Scopes, c.Networks, c.Data = g.Scopes, g.Networks, g.Data
		}
	})
	return func(c *store.Credential) { given.Store(c.ID, *c) }
}
