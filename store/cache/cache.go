// Package cache keeps the answers of a [store.Store] in memory, so that most
// requests are authenticated without a query:
//
//	c, err := cache.New(cache.Config{Store: db})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer c.Close()
//	tokens, err := bearer.New(bearer.Config{Store: c})
//
// Use it in front of a store on a server. [store.Memory] is faster without a cache.
//
// # How long a revoked credential is still accepted
//
//   - Revoked through the same Cache: not at all. A Find that starts after Revoke
//     or Rotate has returned always sees the change.
//   - Revoked elsewhere (by another process, or around the Cache), if the Store is a
//     [store.Watcher]: until the notification arrives, normally for milliseconds. If
//     notifications stop unnoticed: for at most 2.5 seconds or [Config.MaxStale],
//     whichever is longer. If Watch returns: for at most MaxStale.
//   - Revoked elsewhere, if the Store is not a Watcher: for at most MaxStale.
//
// So a Find that starts more than max(MaxStale, 2.5s) after a revocation always sees
// it. By default that is 5 seconds. The time is measured by the process's monotonic
// clock, which stops while the machine is suspended. It begins when the store's own
// Find shows the revocation, so the lag of a replica is added.
//
// An expiry takes effect at once, because it is in the row and every request compares
// it with the clock. A change that bypasses the methods of a Store, such as SQL that
// you run by hand, may not be reported. It is seen after 10 minutes at the latest,
// because no answer is kept for longer.
//
// # Queries, outages and unknown credentials
//
// Concurrent lookups of one credential share a query. The query ends when no lookup
// waits for it any more, or after five seconds. Outages are never cached.
//
// The answer that a credential does not exist is kept for at most ten seconds, and
// only while a Watch would report a new one. A new credential is then hidden until
// its notification arrives, and for at most 2.5 seconds.
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
	maxUnknown      = 8192 // unknown digests that are kept
	defaultMaxStale = 5 * time.Second
)

// Config configures a [Cache]. Only Store is required.
type Config struct {
	_ [0]func()

	// Store is the store behind the cache. If it is a store.Watcher, the Cache
	// learns of changes by other processes. A wrapper that hides the Watch
	// method is not a Watcher.
	Store store.Store

	// Entries is how many credentials are kept: at most 10 million. The
	// default is 100 000, which take about 70 MB, plus their Data.
	Entries int

	// MaxStale is how old an answer may be that is used while no Watch reports
	// changes: at most 10 minutes. The default is 5 seconds; if it is negative,
	// no answer is used then. MaxStale bounds how long a credential that was
	// revoked elsewhere is still accepted; see the package's documentation.
	MaxStale time.Duration

	// WatchError, if set, is called with the error of each Watch that ended
	// before Close. From then on MaxStale applies until the next Watch, which
	// the Cache tries within a second, has begun. It must return quickly.
	WatchError func(error)
}

// A Cache is a [store.Store] in front of another one. Find uses a kept answer if it
// is fresh enough. All other calls are passed on to the store. Insert, Revoke and
// Rotate drop the answers that they may have changed before they return, even if
// they fail.
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
// [store.Watcher]. The error names all mistakes in cfg.
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
