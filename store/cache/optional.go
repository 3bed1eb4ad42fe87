package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/keystile/keystile/store"
)

// Watch implements [store.Watcher]. Any number of callers share the Cache's own Watch
// of the Store, and with it one connection. Each change is reported after the Cache has
// forgotten it. Watch returns the error of the Cache's own Watch when that ends, and an
// error when the Cache is closed. Without a Watcher it returns [errors.ErrUnsupported].
func (c *Cache) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return c.subscribers.watch(ctx, alive, changed)
}

// Notify implements [store.Notifier], with the Store's. The Cache itself forgets the
// credential with this digest before Notify returns, even if that fails: call it after
// you have changed a credential without the Cache. Without a Notifier it returns
// [errors.ErrUnsupported].
func (c *Cache) Notify(ctx context.Context, d store.Digest) error {
	c.history.forget(c.history.digest(d))
	if n, ok := c.store.(store.Notifier); ok {
		return n.Notify(ctx, d)
	}
	return fmt.Errorf("cache: %T is no store.Notifier: %w", c.store, errors.ErrUnsupported)
}

// Scan implements [store.Scanner], with the Store's. Without one it yields
// [errors.ErrUnsupported].
func (c *Cache) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	if s, ok := c.store.(store.Scanner); ok {
		return s.Scan(ctx, f)
	}
	return func(yield func(*store.Credential, error) bool) {
		yield(nil, fmt.Errorf("cache: %T is no store.Scanner: %w", c.store, errors.ErrUnsupported))
	}
}

// Check implements [store.Checker], with the Store's. Without one it returns nil.
func (c *Cache) Check(ctx context.Context) error {
	if s, ok := c.store.(store.Checker); ok {
		return s.Check(ctx)
	}
	return nil
}

// FitsDigest implements [store.Placer], with the Store's. Without one every digest
// fits.
func (c *Cache) FitsDigest(subject string, d store.Digest) bool {
	return c.placer == nil || c.placer.FitsDigest(subject, d)
}

// FitsID implements [store.Placer], with the Store's. Without one every ID fits.
func (c *Cache) FitsID(subject, id string) bool {
	return c.placer == nil || c.placer.FitsID(subject, id)
}
