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
		{fault: "Find takes a cancelled context for not found", caught: []string{"cancelled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Find(ctx, k, d)
			}
		}},
		{fault: "Find of the unknown does not look at its context", caught: []string{"cancelled-find-is-not-not-found"}, plant: func(m *mutable) {
			m.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
				return m.raw.Find(context.WithoutCancel(ctx), k, d)
			}
		}},
		{fault: "Get takes a cancelled context for not found", caught: []string{"cancelled-get-is-not-not-found"}, plant: func(m *mutable) {
			m.get = func(ctx context.Context, id string) (*store.Credential, error) {
				if err := lost(ctx); err != nil {
					return nil, err
				}
				return m.raw.Get(ctx, id)
			}
		}},
		{fault: "List takes a cancelled context for nothing", caught: []string{"cancelled-list-is-not-empty"}, plant: func(m *mutable) {
			m.list = func(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
				if lost(ctx) != nil {
					return nil, nil
				}
				return m.raw.List(ctx, f)
			}
		}},
		{fault: "a cancelled Insert inserts", caught: []string{"cancelled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				return errors.Join(m.raw.Insert(context.WithoutCancel(ctx), c, limit), ctx.Err())
			}
		}},
		{fault: "a cancelled Insert is said to succeed", caught: []string{"cancelled-insert-changes-nothing"}, plant: func(m *mutable) {
			m.insert = func(ctx context.Context, c *store.Credential, limit int) error {
				if lost(ctx) != nil {
					return nil
				}
				return m.raw.Insert(ctx, c, limit)
			}
		}},
		{fault: "a cancelled Revoke revokes", caught: []string{"cancelled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				digests, err := m.raw.Revoke(context.WithoutCancel(ctx), f, at)
				return digests, errors.Join(err, ctx.Err())
			}
		}},
		{fault: "a cancelled Revoke is said to succeed", caught: []string{"cancelled-revoke-changes-nothing"}, plant: func(m *mutable) {
			m.revoke = func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
				if lost(ctx) != nil {
					return nil, nil
				}
				return m.raw.Revoke(ctx, f, at)
			}
		}},
		{fault: "a cancelled Rotate rotates", caught: []string{"cancelled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				if m.raw.Rotate(context.WithoutCancel(ctx), id, until, next) == nil && ctx.Err() == nil {
					return nil
				}
				return errors.Join(ctx.Err(), m.raw.Rotate(ctx, id, until, next))
			}
		}},
		{fault: "a cancelled Rotate ends the old", caught: []string{"cancelled-rotate-changes-nothing"}, plant: func(m *mutable) {
			m.rotate = func(ctx context.Context, id string, until time.Time, next *store.Credential) error {
				if ctx.Err() != nil {
					m.edit(id, func(old *store.Credential) *store.Credential { return rotated(old, next, until) })
				}
				return m.raw.Rotate(ctx, id, until, next)
			}
		}},
		{fault: "a cancelled Touch is not found", caught: []string{"cancelled-touch-changes-nothing"}, plant: func(m *mutable) {
			m.touch = func(ctx context.Context, id string, at time.Time) error {
				return errors.Join(lost(ctx), m.raw.Touch(ctx, id, at))
			}
		}},
		{fault: "a cancelled Prune deletes", caught: []string{"cancelled-prune-changes-nothing"}, plant: func(m *mutable) {
			m.prune = func(ctx context.Context, before time.Time) (int, error) {
				n, err := m.raw.Prune(context.WithoutCancel(ctx), before)
				return n, errors.Join(err, ctx.Err())
			}
		}},
	}
}
