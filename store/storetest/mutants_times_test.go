package storetest

import (
	"context"
	"time"

	"github.com/keystile/keystile/store"
)

func timeMutants() []mutant {
	return []mutant{
		{fault: "times are whole seconds", caught: []string{"times-keep-microseconds"}, plant: func(m *mutable) {
			m.onWrite(everyTime(func(t time.Time) time.Time { return t.Truncate(time.Second) }))
		}},
		{fault: "Touch writes milliseconds", caught: []string{"times-keep-microseconds"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				return m.raw.Touch(ctx, []store.Use{{ID: id, At: at.Truncate(time.Millisecond), Addr: u.Addr}})
			})
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
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				return m.raw.Rotate(ctx, id, until.Add(999), next, l)
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
	}
}

// everyTime returns a change of all times of a credential.
func everyTime(change func(time.Time) time.Time) func(*store.Credential) {
	return func(c *store.Credential) {
		for _, t := range []*time.Time{&c.CreatedAt, &c.ExpiresAt, &c.RotatedAt, &c.RevokedAt, &c.LastUsedAt} {
			*t = change(*t)
		}
	}
}
