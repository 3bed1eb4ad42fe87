package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

func cancelMutants() []mutant {
	lost := func(ctx context.Context) error {
		if ctx.Err() != nil {
			return store.ErrNotFound
		}
		return nil
	}
	return []mutant{
		{fault: "Find takes a canceled context for not found", caught: []string{"canceled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Find(ctx, k, d)
			}
		}},
		{fault: "Find of the unknown does not look at its context", caught: []string{"canceled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				return m.raw.Find(context.WithoutCancel(ctx), k, d)
			}
		}},
		{fault: "Get takes a canceled context for not found", caught: []string{"canceled-get-is-not-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Get(ctx, id)
			}
		}},
		{fault: "List takes a canceled context for nothing", caught: []string{"canceled-list-is-not-empty"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
				if lost(ctx) != nil {
					return nil, "", nil
				}
				return m.raw.List(ctx, q)
			}
		}},
		{fault: "a canceled Insert inserts", caught: []string{"canceled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				return errors.Join(m.raw.add(context.WithoutCancel(ctx), c), ctx.Err())
			})
		}},
		{fault: "a canceled Insert is said to succeed", caught: []string{"canceled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.onInsert(func(ctx context.Context, c *store.Credential, l store.Limits) error {
				if lost(ctx) != nil {
					return nil
				}
				return m.raw.add(ctx, c)
			})
		}},
		{fault: "a canceled Revoke revokes", caught: []string{"canceled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				digests, err := m.raw.Revoke(context.WithoutCancel(ctx), f, at)
				return digests, errors.Join(err, ctx.Err())
			}
		}},
		{fault: "a canceled Revoke is said to succeed", caught: []string{"canceled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if lost(ctx) != nil {
					return nil, nil
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "a canceled Rotate rotates", caught: []string{"canceled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if m.raw.Rotate(context.WithoutCancel(ctx), id, until, next, l) == nil && ctx.Err() == nil {
					return nil
				}
				return errors.Join(ctx.Err(), m.raw.Rotate(ctx, id, until, next, l))
			}
		}},
		{fault: "a canceled Rotate ends the old", caught: []string{"canceled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
				if ctx.Err() != nil {
					m.edit(id, func(old *store.Credential) *store.Credential { return rotated(old, next, until) })
				}
				return m.raw.Rotate(ctx, id, until, next, l)
			}
		}},
		{fault: "a canceled Touch is not found", caught: []string{"canceled-touch-changes-nothing"}, plant: func(m *mutable) {
			m.onUse(func(ctx context.Context, id string, at time.Time, u store.Use) error {
				return errors.Join(lost(ctx), m.raw.Touch(ctx, []store.Use{u}))
			})
		}},
		{fault: "a canceled Prune deletes", caught: []string{"canceled-prune-changes-nothing"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before store.PruneBefore) (int, error) {
				n, err := m.raw.Prune(context.WithoutCancel(ctx), before)
				return n, errors.Join(err, ctx.Err())
			}
		}},
	}
}
