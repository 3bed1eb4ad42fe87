package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// Together these are the half second of the contract.
const (
	pingEvery = 200 * time.Millisecond
	pingWait  = 300 * time.Millisecond
)

// Watch implements [store.Watcher]. It uses a connection of its own, which must
// speak RESP3, as the client does by default. It returns an error when that
// connection is lost, when the server has not answered on it for 0.3 seconds, and
// when a cluster has moved the keys to another node.
func (s *Store) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	if err := s.made(); err != nil {
		return err
	}
	err := s.watch(ctx, alive, changed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("redisstore: watch: %w", err)
}

func (s *Store) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	// Dedicate connects without asking ctx: so only to a server that answers.
	if err := s.reach(ctx); err != nil {
		return err
	}
	conn, _ := s.client.Dedicate()
	defer conn.Close()

	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var calling sync.Mutex // held while alive or changed is
	over := false          // the client may still be handing on a message
	defer func() {
		calling.Lock()
		defer calling.Unlock()
		over = true
	}()
	conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			d, err := digest(m.Message)
			if err != nil {
				end(fmt.Errorf("a message that is not of this package: %w", err))
				return
			}
			calling.Lock()
			defer calling.Unlock()
			if !over {
				changed(d)
			}
		},
		OnSubscription: func(sub rueidis.PubSubSubscription) {
			if sub.Kind == "sunsubscribe" {
				end(errors.New("the server has ended the subscription"))
			}
		},
	})
	do := func(cmd rueidis.Completed, wait time.Duration) rueidis.RedisResult {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return conn.Do(ctx, cmd)
	}

	if err := do(conn.B().Ssubscribe().Channel(s.base+"changes").Build(), s.timeout).Error(); err != nil {
		return err
	}
	// With RESP2 the client subscribes on another connection than this.
	hello, err := do(conn.B().Hello().Build(), s.timeout).AsMap()
	if err != nil {
		return err
	}
	proto := hello["proto"]
	if n, err := proto.AsInt64(); err != nil || n != 3 {
		return errors.New("the client must speak RESP3 (ClientOption.AlwaysRESP2)")
	}
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		// The answer comes after all messages sent before it, and the client
		// hands those on first. One of them may be why to end.
		err := do(conn.B().Ping().Build(), pingWait).Error()
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return err
		}
		calling.Lock()
		alive()
		calling.Unlock()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
