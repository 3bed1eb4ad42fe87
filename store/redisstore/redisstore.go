package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

const defaultTimeout = 2 * time.Second

// Config configures a [Store]. Prefix is required; New also needs Client.
type Config struct {
	_ [0]func()

	// Client is the client that New uses; New lists the options that it needs.
	// Open creates its own.
	Client rueidis.Client

	// Options, if not nil, changes the options with which Open connects, such as
	// TLSConfig, AuthCredentialsFn, DialCtxFn and the credentials of the
	// sentinels. Open then overwrites timeouts, retries and client-side caching.
	// New does not call Options.
	Options func(*rueidis.ClientOption)

	// Prefix begins the name of every key and channel. Stores with the same
	// prefix on the same server are one store. It must not contain braces.
	Prefix string

	// Timeout bounds how long each call waits for the server, and each step of a
	// call that works in steps. The default is 2 seconds. A connection that Open
	// opened is closed if the server is silent for half of it.
	Timeout time.Duration

	// Replicas is how many replicas must have a change before Insert, Update,
	// Rotate and Revoke return. If fewer have it within Timeout, they return an
	// error, and the change may or may not persist. The default is 0: then a
	// change is lost if the primary fails before a replica has received it, and
	// a revoked credential works again.
	Replicas int

	// DangerouslyAllowEviction accepts a server that may delete keys when its
	// memory is full: credentials, or parts of the indexes by which they are
	// found and revoked. It also accepts a server that does not report its
	// maxmemory-policy.
	DangerouslyAllowEviction bool
}

// A Store keeps credentials in Redis or Valkey. [Open] and [New] create it. It is
// safe for concurrent use.
//
// Any error other than those of package store is an outage: the server did not
// answer, is not the primary, or rejected the command. A write that returns such an
// error may have happened all the same.
type Store struct {
	client   rueidis.Client
	link     *link // nil if the client is the application's
	prefix   string
	timeout  time.Duration
	replicas int
	strays   atomic.Int64 // messages that Watch has ignored

	prefixes [partitions]string // the key prefix of each partition

	get, list, live, insert, update, rotate, revoke, touch, prune, erase, keep, drop script
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Placer   = (*Store)(nil)
	_ store.Scanner  = (*Store)(nil)
	_ store.Watcher  = (*Store)(nil)
	_ store.Notifier = (*Store)(nil)
	_ store.Checker  = (*Store)(nil)
)

// New returns a store that uses a client of your application. Close the client after
// the last use of the store. Prefer [Open], which sets the options of the client; New
// cannot read them. They should be:
//
//	ConnWriteTimeout: 750 * time.Millisecond,                  // to give up a silent connection
//	Dialer: net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 125 * time.Millisecond},
//	DisableRetry: true,                                        // to report an outage at once
//
// Do not set AlwaysRESP2, with which Watch fails, or ReplicaOnly. Because New does not
// know how long the client may wait, each call runs in a goroutine of its own, which
// costs about 7 microseconds.
//
// New returns an error if the server does not answer, is a replica, or may delete
// credentials (see the package comment). An error about cfg names all mistakes in it.
func New(ctx context.Context, cfg Config) (*Store, error) {
	err := cfg.validate()
	if cfg.Client == nil {
		err = errors.Join(err, errors.New("redisstore: Config.Client: nil; create it with rueidis.NewClient, or use Open"))
	}
	if err != nil {
		return nil, err
	}
	return newStore(ctx, cfg, nil)
}

func newStore(ctx context.Context, cfg Config, l *link) (*Store, error) {
	s := &Store{
		client:   cfg.Client,
		link:     l,
		prefix:   cfg.Prefix,
		timeout:  cmp.Or(cfg.Timeout, defaultTimeout),
		replicas: cfg.Replicas,
		prefixes: newPrefixes(cfg.Prefix),
		get:      newScript("get"),
		list:     newScript("list"),
		live:     newScript("live"),
		insert:   newScript("insert"),
		update:   newScript("update"),
		rotate:   newScript("rotate"),
		revoke:   newScript("revoke"),
		touch:    newScript("touch"),
		prune:    newScript("prune"),
		erase:    newScript("erase"),
		keep:     newScript("keep"),
		drop:     newScript("drop"),
	}
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	if !cfg.DangerouslyAllowEviction {
		if err := s.refuseEviction(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// reach returns an error unless the server is a primary and can run scripts.
func (s *Store) reach(ctx context.Context) error {
	if err := s.current(ctx, 0); err != nil {
		return err
	}
	if _, err := s.Get(ctx, "none"); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// current returns an error unless the server of a partition is the primary.
func (s *Store) current(ctx context.Context, partition byte) error {
	_, err := s.lookup(ctx, "role", s.currentKey(partition))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// currentKey returns a key of a partition that never exists.
func (s *Store) currentKey(partition byte) string { return s.keyPrefix(partition) + "current" }

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so that
// none prints the password of the client.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "redisstore.Store") }

func (cfg *Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("redisstore: "+format, args...)) }
	if cfg.Prefix == "" {
		bad("Config.Prefix: empty; set a prefix for all keys, such as the name of the service")
	} else if strings.ContainsAny(cfg.Prefix, "{}") {
		bad("Config.Prefix: %q: contains braces; remove them", cfg.Prefix)
	}
	if cfg.Timeout < 0 {
		bad("Config.Timeout: %v: negative; set 0 for the default of %v", cfg.Timeout, defaultTimeout)
	}
	if cfg.Replicas < 0 {
		bad("Config.Replicas: %d: negative; set 0 to wait for none", cfg.Replicas)
	}
	return errors.Join(errs...)
}
