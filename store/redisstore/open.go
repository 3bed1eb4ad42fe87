package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// Open connects to a server and returns the store with the prefix cfg.Prefix.
// Close the store after its last use. cfg.Client must be nil.
//
// The URL names a server, a cluster, or the sentinels of a primary:
//
//	redis://user:password@host:6379/0
//	rediss://user:password@host:6379                 with TLS
//	redis://host1:6379?addr=host2:6379&addr=host3:6379
//	redis://sentinel1:26379?addr=sentinel2:26379&master_set=mymaster
//	unix://user:password@/run/redis.sock
//
// Percent-encode special characters of the password. Open recognizes a cluster by
// itself. With TLS, the certificate of every server must be valid for the first host
// of the URL. The parameter client_name works as in package rueidis. Timeouts come
// from cfg.Timeout, not from the URL. For other settings, such as a client
// certificate, short-lived passwords, the password of the sentinels or another
// ServerName, use cfg.Options.
//
// Open returns an error if the server does not answer, is a replica, or may delete
// credentials (see the package comment).
func Open(ctx context.Context, url string, cfg Config) (*Store, error) {
	if cfg.Client != nil {
		return nil, errors.New("redisstore: Config.Client: not nil; Open connects by itself, New uses a client")
	}
	options, err := rueidis.ParseURL(url)
	if err != nil { // not wrapped, because it may contain the password
		return nil, errors.New("redisstore: Open: the URL cannot be parsed; see the forms in the documentation, and percent-encode the password")
	}
	if options.AlwaysRESP2 {
		return nil, errors.New("redisstore: Open: the URL demands protocol 2; Watch needs RESP3")
	}
	options.Sentinel.TLSConfig = options.TLSConfig
	options.Sentinel.TopologyRefreshInterval = 2 * time.Second // the announcement of a new primary can get lost
	if cfg.Options != nil {
		cfg.Options(&options)
	}
	l := &link{}
	l.bound(&options, cmp.Or(cfg.Timeout, defaultTimeout))
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Client, err = connect(ctx, options); err != nil {
		return nil, fmt.Errorf("redisstore: connect: %w", err)
	}
	s, err := newStore(ctx, cfg, l)
	if err != nil {
		cfg.Client.Close()
		return nil, err
	}
	return s, nil
}

// connect returns a new client, or an error as soon as ctx ends.
func connect(ctx context.Context, options rueidis.ClientOption) (rueidis.Client, error) {
	type result struct {
		client rueidis.Client
		err    error
	}
	connected := make(chan result, 1)
	go func() {
		client, err := rueidis.NewClient(options)
		connected <- result{client, err}
	}()
	select {
	case r := <-connected:
		return r.client, r.err
	case <-ctx.Done():
		go func() {
			if r := <-connected; r.err == nil {
				r.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// Close closes the connections of a store that Open returned, after the calls in
// progress have ended. It does not close a client that was passed to New.
func (s *Store) Close() error {
	if s.link != nil {
		s.client.Close()
	}
	return nil
}
