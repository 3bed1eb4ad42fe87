package cache

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// Every write is passed on first and forgets afterwards. Insert, Revoke and Rotate
// do so deferred: whatever the store answers, and if it panics too, the write may
// have happened. Touch and Prune forget only what the store says that they did, as
// neither changes whether a credential may be used.

// Get implements [store.Store]. It always asks the Store.
func (c *Cache) Get(ctx context.Context, id string) (*store.Credential, error) {
	if err := c.made(); err != nil {
		return nil, err
	}
	return c.store.Get(ctx, id)
}

// List implements [store.Store]. It always asks the Store.
func (c *Cache) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	if err := c.made(); err != nil {
		return nil, err
	}
	return c.store.List(ctx, f)
}

// Insert implements [store.Store].
func (c *Cache) Insert(ctx context.Context, n *store.Credential, limit int) error {
	if err := c.made(); err != nil {
		return err
	}
	defer c.history.forget(c.history.digest(n.Digest))
	return c.store.Insert(ctx, n, limit)
}

// Revoke implements [store.Store].
//
// It forgets everything that the filter may match, not only what the Store says
// it has changed. For of two who revoke the same only one changes it, and the
// other one, who may be first to return, or at another machine, must find it
// revoked just as well.
func (c *Cache) Revoke(ctx context.Context, f store.Filter, at time.Time) (changed []store.Digest, err error) {
	if err := c.made(); err != nil {
		return nil, err
	}
	defer func() {
		marks := []*atomic.Uint64{c.matching(f)}
		for _, d := range changed { // matched by rows that the host has edited since
			marks = append(marks, c.history.digest(d))
		}
		c.history.forget(marks...)
	}()
	return c.store.Revoke(ctx, f, at)
}

// matching returns a mark of everything that f matches: by the field of f that
// matches least.
func (c *Cache) matching(f store.Filter) *atomic.Uint64 {
	switch {
	case f.ID != "":
		return c.history.mark(byID, f.ID)
	case f.Family != "":
		return c.history.mark(byFamily, f.Family)
	case f.Parent != "":
		return c.history.mark(byParent, f.Parent)
	}
	return c.history.mark(bySubject, f.Subject)
}

// Rotate implements [store.Store].
func (c *Cache) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	if err := c.made(); err != nil {
		return err
	}
	defer c.history.forget(c.history.mark(byID, id), c.history.digest(next.Digest))
	return c.store.Rotate(ctx, id, until, next)
}

// Touch implements [store.Store].
func (c *Cache) Touch(ctx context.Context, id string, at time.Time) error {
	if err := c.made(); err != nil {
		return err
	}
	err := c.store.Touch(ctx, id, at)
	if err == nil {
		c.history.forget(c.history.mark(byID, id))
	}
	return err
}

// Prune implements [store.Store]. If anything was deleted it forgets
// everything, so it should not be called every minute.
func (c *Cache) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := c.made(); err != nil {
		return 0, err
	}
	n, err := c.store.Prune(ctx, before)
	if n > 0 {
		c.history.forget(&c.history.all)
	}
	return n, err
}
