package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

func watchMutants() []mutant {
	return []mutant{
		{fault: "what is added is not reported", caught: []string{"watch-reports-changes"}, plant: func(m *mutable) {
			m.onWatch(func(d store.Digest, report func(store.Digest)) {
				if c, err := m.mem.Find(context.Background(), store.KindToken, d); err != nil || !c.RevokedAt.IsZero() || !c.RotatedAt.IsZero() {
					report(d)
				}
			})
		}},
		{fault: "revocations are not reported", caught: []string{"watch-reports-changes"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				return m.mem.Revoke(ctx, f, at)
			}
		}},
		{fault: "of a rotation only the successor is reported", caught: []string{"watch-reports-changes"}, plant: func(m *mutable) {
			m.onWatch(func(d store.Digest, report func(store.Digest)) {
				if c, err := m.mem.Find(context.Background(), store.KindToken, d); err != nil || c.RotatedAt.IsZero() || !c.RevokedAt.IsZero() {
					report(d)
				}
			})
		}},
		{fault: "of several only the first is reported", caught: []string{"watch-reports-changes"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				ds, err := m.mem.Revoke(ctx, f, at)
				m.report(ds[:min(1, len(ds))]...)
				return ds, err
			}
		}},
		{fault: "updates are not reported", caught: []string{"watch-reports-what-ends-for-others"}, plant: func(m *mutable) {
			m.update = func(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
				return m.mem.Update(ctx, id, ch)
			}
		}},
		{fault: "erasures are not reported", caught: []string{"watch-reports-what-ends-for-others"}, plant: func(m *mutable) {
			m.erase = func(ctx context.Context, subject string) (int, error) { return m.mem.Erase(ctx, subject) }
		}},
		{fault: "what ends to make room is not reported", caught: []string{"watch-reports-what-ends-for-others"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
				if !l.EndOldest {
					return m.raw.Insert(ctx, c, l)
				}
				ended, err := m.mem.Insert(ctx, c, l)
				m.report(c.Digest)
				return ended, err
			}
		}},
		{fault: "messages are lost", caught: []string{"notify-reaches-watch"}, plant: func(m *mutable) {
			m.notify = func(ctx context.Context, d store.Digest) error { return nil }
		}},
		{fault: "Touch is reported", caught: []string{"watch-keeps-silent-about-touch"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				c, err := m.Get(ctx, id)
				if err == nil {
					m.report(c.Digest)
				}
				return m.raw.Touch(ctx, []store.Use{u})
			})
		}},
		{fault: "alive is said once", caught: []string{"watch-is-alive"}, plant: func(m *mutable) {
			m.watch = func(ctx context.Context, alive func(), changed func(store.Digest)) error {
				alive()
				return m.raw.Watch(ctx, func() {}, changed)
			}
		}},
		{fault: "alive is never said", caught: []string{"watch-is-alive"}, plant: func(m *mutable) {
			m.watch = func(ctx context.Context, _ func(), changed func(store.Digest)) error {
				return m.raw.Watch(ctx, func() {}, changed)
			}
		}},
		{fault: "changes are reported late", caught: []string{"watch-reports-before-alive"}, plant: func(m *mutable) {
			m.onWatch(func(d store.Digest, report func(store.Digest)) {
				time.AfterFunc(time.Second, func() { report(d) })
			})
		}},
		{fault: "Watch does not end", caught: []string{"watch-ends-with-its-context"}, plant: func(m *mutable) {
			m.watch = func(ctx context.Context, alive func(), changed func(store.Digest)) error {
				forever := context.WithoutCancel(ctx)
				timeout, cancel := context.WithTimeout(forever, 2*prompt) // so that the test ends
				defer cancel()
				return m.raw.Watch(timeout, alive, changed)
			}
		}},
		{fault: "Watch ends with an error of its own", caught: []string{"watch-ends-with-its-context"}, plant: func(m *mutable) {
			m.watch = func(ctx context.Context, alive func(), changed func(store.Digest)) error {
				m.raw.Watch(ctx, alive, changed)
				return errors.New("connection closed")
			}
		}},
		{fault: "a Watch that has ended goes on reporting", caught: []string{"watch-ends-with-its-context"}, plant: func(m *mutable) {
			m.watch = func(ctx context.Context, alive func(), changed func(store.Digest)) error {
				after := func(d store.Digest) { changed(d) }
				m.watchers.Store(&after, nil)
				return m.raw.Watch(ctx, alive, func(store.Digest) {})
			}
		}},
	}
}

// onWatch makes every Watch pass its reports through change.
func (m *mutable) onWatch(change func(d store.Digest, report func(store.Digest))) {
	m.watch = func(ctx context.Context, alive func(), changed func(store.Digest)) error {
		return m.raw.Watch(ctx, alive, func(d store.Digest) { change(d, changed) })
	}
}
