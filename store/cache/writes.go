package cache

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// Every write calls the Store first and invalidates answers afterwards. If it changes
// whether a credential may be used, the invalidation is deferred: the write may have
// happened even if the Store returned an error or panicked. Touch invalidates only
// after success, and Prune only if rows were deleted.

// Get implements [store.Store]. It always asks the Store.
func (c *Cache) Get(ctx context.Context, id string) (*store.Credential, error) {
	return c.store.Get(ctx, id)
}

// List implements [store.Store]. It always asks the Store.
func (c *Cache) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	return c.store.List(ctx, q)
}

// Insert implements [store.Store].
func (c *Cache) Insert(ctx context.Context, n *store.Credential, l store.Limits) ([]store.Digest, error) {
	marks := []*atomic.Uint64{c.history.digest(n.Digest)}
	if l.EndOldest {
		marks = append(marks, c.history.mark(bySubject, n.Subject))
	}
	defer c.history.forget(marks...)
	return c.store.Insert(ctx, n, l)
}

// Update implements [store.Store].
func (c *Cache) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	defer c.history.forget(c.history.mark(byID, id))
	return c.store.Update(ctx, id, ch)
}

// Rotate implements [store.Store].
func (c *Cache) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	defer c.history.forget(c.history.mark(byID, id), c.history.digest(next.Digest))
	return c.store.Rotate(ctx, id, until, next, l)
}

// Revoke implements [store.Store].
//
// It drops the answers for all credentials that the filter may select, not only for
// those that the Store returned. If two calls revoke the same credential, only one of
// them changes it. After the other, which may return first or run on another machine,
// Find must show the revocation, too. And a call that failed may have revoked
// credentials in its earlier steps.
func (c *Cache) Revoke(ctx context.Context, f store.Filter, at time.Time) (changed []store.Digest, err error) {
	defer func() {
		marks := c.matching(f)
		for _, d := range changed { // in case your application edited a row, so that the kept one has other marks
			marks = append(marks, c.history.digest(d))
		}
		c.history.forget(marks...)
	}()
	return c.store.Revoke(ctx, f, at)
}

// matching returns marks that cover all credentials that f selects. It uses the most
// selective field of f. A family has two marks, because Filter.Family selects by
// Family or ID.
func (c *Cache) matching(f store.Filter) []*atomic.Uint64 {
	switch {
	case f.ID != "":
		return []*atomic.Uint64{c.history.mark(byID, f.ID)}
	case f.Family != "":
		return []*atomic.Uint64{c.history.mark(byFamily, f.Family), c.history.mark(byID, f.Family)}
	case f.ClientID != "":
		return []*atomic.Uint64{c.history.mark(byClient, f.ClientID)}
	}
	return []*atomic.Uint64{c.history.mark(bySubject, f.Subject)}
}

// Touch implements [store.Store].
func (c *Cache) Touch(ctx context.Context, uses []store.Use) error {
	err := c.store.Touch(ctx, uses)
	if err == nil {
		marks := make([]*atomic.Uint64, len(uses))
		for i, u := range uses {
			marks[i] = c.history.mark(byID, u.ID)
		}
		c.history.forget(marks...)
	}
	return err
}

// Prune implements [store.Store]. If it deleted a row, it drops all answers, so do
// not call it more often than every few minutes.
func (c *Cache) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	n, err := c.store.Prune(ctx, before)
	if n > 0 {
		c.history.forget(&c.history.all)
	}
	return n, err
}

// Erase implements [store.Store].
func (c *Cache) Erase(ctx context.Context, subject string) (int, error) {
	defer c.history.forget(c.history.mark(bySubject, subject))
	return c.store.Erase(ctx, subject)
}
