// Package cache keeps what a [store.Store] answered, so that most requests are
// authenticated without asking it:
//
//	c, err := cache.New(cache.Config{Store: db})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer c.Close()
//	tokens, err := bearer.New(bearer.Config{Store: c})
//
// It is worth its while in front of a server. [store.Memory] is faster without.
//
// # How long a revoked credential lives on
//
// A cache of credentials must answer this before any other question. Here:
//
//   - Revoked through the same Cache: not at all. A Find that starts after
//     Revoke or Rotate has returned is never answered with what was before.
//   - Revoked elsewhere (by another process, or around the Cache), where the
//     Store is a [store.Watcher]: as long as the news takes, milliseconds where
//     all is well. If the news stops without notice: at most 2.5 seconds or
//     [Config.MaxStale], whichever is longer; if Watch returns: MaxStale.
//   - Revoked elsewhere, where the Store is not a Watcher: MaxStale.
//
// So no Find that starts later than max(MaxStale, 2.5s) after the revocation is
// answered with what was before: 5 seconds, unless MaxStale is set. The time is
// that of the process's monotonic clock, which stands still while the machine
// is suspended. It counts from the moment at which the store's own Find would
// show the revocation: behind a replica, the replica's lag comes on top.
//
// An expiry needs no news: it is in the row, and whoever asked compares it with
// the clock on every request. What is changed by other means than the methods of
// a Store, with SQL by hand, may not be news to it: that lives on for 10 minutes
// at most, as nothing is kept for longer.
//
// # What else it does
//
// Lookups of one credential at the same time make one query, which goes on
// until the last of those who wait for it has gone, or for five seconds. Outages are never kept. That
// a credential does not exist is believed for ten seconds at most, and only
// while a Watcher would tell of a new one, which is then hidden for no longer
// than the news takes, nor than 2.5 seconds.
//
// # Accounts
//
// A Cache does not keep accounts. With [auth.Config.Accounts] set, each request still
// costs a query of your application's database. [Accounts] is a cache for those: no
// account that it returns is older than 5 seconds, and [Accounts.Forget] makes a change
// take effect at once.
package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/keystile/keystile/store"
)

const (
	defaultEntries  = 100_000
	maxEntries      = 10_000_000
	maxUnknown      = 8192 // digests kept that the store does not know
	defaultMaxStale = 5 * time.Second
)

// Config configures a [Cache]. Only Store is required.
type Config struct {
	_ [0]func()

	// Store is what is asked for everything that is not kept. If it is a
	// store.Watcher the Cache learns what others change. A wrapper that
	// hides the Watch method is not.
	Store store.Store

	// Entries is how many credentials are kept: at most 10 million. The
	// default is 100 000, which take about 70 MB, and what their Data takes.
	Entries int

	// MaxStale is how old an answer of the Store may be that is given while
	// nobody tells of changes: at most 10 minutes. The default is 5 seconds;
	// negative: none is given. It bounds how long a credential that was
	// revoked elsewhere lives on; see the package's documentation.
	MaxStale time.Duration

	// WatchError, if set, is called with the error of each Watch that ended
	// before Close: from then on MaxStale applies, until the next one, which
	// is tried within a second, has begun. It must be quick.
	WatchError func(error)
}

// A Cache is a [store.Store] in front of another one. Find is answered from what
// is kept where that is fresh enough. Everything else is passed on; what Insert,
// Revoke or Rotate may have changed is forgotten before they return, even if they
// fail.
//
// A Cache also implements the optional interfaces of package store. The comment of each
// method states what it returns if the Store does not implement it.
//
// It is safe for concurrent use. Use [New] to make one, and [Cache.Close] when it
// is no longer needed.
type Cache struct {
	freshness
	store   store.Store
	placer  store.Placer                                          // the store, if it is one
	rows    *otter.Cache[store.Digest, *answer[store.Credential]] // of credentials that exist
	unknown *otter.Cache[store.Digest, *answer[store.Credential]] // apart, so that no flood of these evicts the others
	queries queries[question, store.Credential]
}

// A question is the key of a lookup in the store.
type question struct {
	kind   store.Kind
	digest store.Digest
}

var (
	_ store.Store    = (*Cache)(nil)
	_ store.Watcher  = (*Cache)(nil)
	_ store.Notifier = (*Cache)(nil)
	_ store.Checker  = (*Cache)(nil)
	_ store.Scanner  = (*Cache)(nil)
	_ store.Placer   = (*Cache)(nil)
)

// New returns a [Cache] for cfg, and begins to watch its Store if that is a
// [store.Watcher]. The error names everything that is wrong with cfg at once.
func New(cfg Config) (*Cache, error) {
	var errs []error
	if isNil(cfg.Store) {
		errs = append(errs, errors.New("cache: Config.Store: nil: must be set, to the store that is to be asked less often"))
	}
	if cfg.Entries < 0 || cfg.Entries > maxEntries {
		errs = append(errs, fmt.Errorf("cache: Config.Entries: %d: must be from 1 to %d, or 0 for the default", cfg.Entries, maxEntries))
	}
	if cfg.MaxStale > maxAge {
		errs = append(errs, fmt.Errorf("cache: Config.MaxStale: %v: must be at most %v", cfg.MaxStale, maxAge))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	entries := cmp.Or(cfg.Entries, defaultEntries)
	rows, err := otter.New(&otter.Options[store.Digest, *answer[store.Credential]]{MaximumSize: entries})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	unknown, err := otter.New(&otter.Options[store.Digest, *answer[store.Credential]]{MaximumSize: min(entries, maxUnknown)})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &Cache{
		freshness: freshness{
			maxStale:   cmp.Or(cfg.MaxStale, defaultMaxStale),
			maxAge:     maxAge,
			unknownAge: unknownAge,
			absent:     store.ErrNotFound,
			watchError: cfg.WatchError,
			began:      time.Now(),
			history:    newHistory(entries, fields),
		},
		store:   cfg.Store,
		rows:    rows,
		unknown: unknown,
	}
	c.queries = queries[question, store.Credential]{source: c, fresh: &c.freshness, running: make(map[question]*query[store.Credential])}
	c.placer, _ = cfg.Store.(store.Placer)
	c.start(cfg.Store)
	return c, nil
}

// isNil reports whether v is nil or a nil pointer.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
}

// Close ends the watching of the Store and returns once it has ended. From then
// on every call is passed on to the Store, which is not closed. Closing again
// does nothing. The error is always nil.
func (c *Cache) Close() error {
	c.close()
	return nil
}

// Find implements [store.Finder]. What is kept is returned whether or not ctx
// is done.
func (c *Cache) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if c.closed.Load() {
		return c.store.Find(ctx, k, d)
	}
	r := c.arrive()
	if a, ok := c.rows.GetIfPresent(d); ok && a.kind == k && c.usable(&a.basis, r) {
		return a.value, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if a, ok := c.unknown.GetIfPresent(d); ok && a.kind == k && c.usable(&a.basis, r) {
		return nil, a.err
	}
	return c.queries.find(ctx, question{k, d}, r)
}

var errOther = errors.New("cache: the store returned something else than the credential it was asked for")

// lookUp implements source.
func (c *Cache) lookUp(ctx context.Context, q question) (*store.Credential, error) {
	row, err := c.store.Find(ctx, q.kind, q.digest)
	if err == nil && (row == nil || row.Kind != q.kind || row.Digest != q.digest) {
		return nil, errOther
	}
	return row, err
}

// marks implements source.
func (c *Cache) marks(q question, row *store.Credential) marks {
	if row == nil {
		return c.history.marks(&store.Credential{Digest: q.digest})
	}
	return c.history.marks(row)
}

// keep implements source.
func (c *Cache) keep(q question, a *answer[store.Credential]) {
	a.kind = q.kind
	if a.err == nil {
		c.rows.Set(q.digest, a)
	} else {
		c.unknown.Set(q.digest, a)
	}
}
