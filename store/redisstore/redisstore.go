package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

const (
	defaultTimeout   = 2 * time.Second
	defaultRetention = 30 * 24 * time.Hour
)

// Config configures a [Store]. Client and Prefix are required.
type Config struct {
	_ [0]func()

	// Client is connected to the server. Whoever made it closes it, after
	// the store was used last. It must not send reads to replicas
	// (ClientOption.SendToReplicas): they learn late of a revocation.
	Client rueidis.Client

	// Prefix begins the name of every key, in braces: "{myapp}:". Stores with
	// one prefix on one server are one store. It must not contain braces.
	Prefix string

	// Timeout bounds how long each call waits for the server; of Prune, each
	// of its steps. The default is 2 seconds.
	Timeout time.Duration

	// Retention is how long a credential that has expired or was revoked is
	// kept where nobody calls Prune: counted from that moment, or from the
	// last Insert, Rotate or Revoke of it if that is later. Within that time
	// its reuse is noticed. The default is 30 days; it must be a millisecond
	// or more.
	Retention time.Duration

	// DangerouslyAllowEviction accepts a server that may delete credentials,
	// or parts of the indexes by which they are found and revoked, when its
	// memory is full; and one that does not tell whether it would.
	DangerouslyAllowEviction bool
}

// A Store keeps credentials in Redis or Valkey. It is made by [New] and safe for
// concurrent use. It needs no closing. The methods of the zero Store return an
// error.
//
// Any error but those of package store means that the server could not be asked
// or did not understand. A write that fails with one may have been made all the
// same, or be made yet: when the answer is lost nobody knows.
type Store struct {
	client    rueidis.Client
	base      string // what every key begins with
	timeout   time.Duration
	retention time.Duration

	get, list, insert, rotate, revoke, touch, prune script
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Watcher = (*Store)(nil)
)

// New returns the store with this prefix. It asks the server whether it is fit
// to keep credentials and returns an error if not, or if it does not answer.
// An error about cfg names all that is wrong with it.
func New(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Store{
		client:    cfg.Client,
		base:      "{" + cfg.Prefix + "}:",
		timeout:   cfg.Timeout,
		retention: cfg.Retention,
		get:       newScript("get", rueidis.NewLuaScriptReadOnly),
		list:      newScript("list", rueidis.NewLuaScriptReadOnly),
		insert:    newScript("insert", rueidis.NewLuaScript),
		rotate:    newScript("rotate", rueidis.NewLuaScript),
		revoke:    newScript("revoke", rueidis.NewLuaScript),
		touch:     newScript("touch", rueidis.NewLuaScript),
		prune:     newScript("prune", rueidis.NewLuaScript),
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	if s.retention == 0 {
		s.retention = defaultRetention
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

var errUnmade = errors.New("redisstore: the Store was not made by New")

// made returns an error if New has not made s.
func (s *Store) made() error {
	if s == nil || s.client == nil {
		return errUnmade
	}
	return nil
}

// Format implements [fmt.Formatter]. Every verb prints the name of the type, so
// that none prints what the client connects with.
func (s Store) Format(f fmt.State, _ rune) { io.WriteString(f, "redisstore.Store") }

// reach returns an error unless the server of our keys runs our scripts.
func (s *Store) reach(ctx context.Context) error {
	if _, err := s.Get(ctx, ""); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

func (cfg *Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("redisstore: "+format, args...)) }
	if cfg.Client == nil {
		bad("Config.Client: nil: rueidis.NewClient makes one")
	}
	if cfg.Prefix == "" {
		bad("Config.Prefix: empty: must be what the names of all keys begin with, such as the name of the service")
	} else if strings.ContainsAny(cfg.Prefix, "{}") {
		bad("Config.Prefix: %q: must not contain braces, which are put around it", cfg.Prefix)
	}
	if cfg.Timeout < 0 {
		bad("Config.Timeout: %v: must not be negative", cfg.Timeout)
	}
	if r := cfg.Retention; r != 0 && r < time.Millisecond {
		bad("Config.Retention: %v: must be a millisecond or more", r)
	}
	return errors.Join(errs...)
}
