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

// The sum is the half second of the contract of [store.Watcher].
const (
	beatEvery = 200 * time.Millisecond
	beatWait  = 300 * time.Millisecond
)

// Watch implements [store.Watcher]. It uses one connection to each primary. The
// connection must use RESP3, which is the default of the client.
//
// Every 0.2 seconds it asks each server on that connection whether it still is the
// primary. The answer arrives after all messages that were published before it, so it
// also proves that they were delivered. Watch returns an error if a server does not
// answer within 0.3 seconds, becomes a replica or loses its replicas, if a connection
// is lost, or if a cluster moves a partition.
//
// Watch ignores messages that are not digests; Check reports how many.
func (s *Store) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	err := s.watch(ctx, alive, changed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Store) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	w := &watch{store: s, changed: changed, end: end}
	defer w.stop()
	if err := w.subscribe(ctx); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		// The server may have ended the subscription meanwhile.
		err := w.beat(ctx)
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return err
		}
		w.call(alive)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A watch is one call of Watch.
type watch struct {
	store   *Store
	changed func(store.Digest)
	end     context.CancelCauseFunc
	conns   []*subscription

	calling sync.Mutex // held while alive or changed is called
	over    bool       // Watch has returned; messages may still arrive
}

// A subscription is a connection to the primary of some partitions.
type subscription struct {
	rueidis.DedicatedClient
	partitions []byte
}

func (w *watch) call(f func()) {
	w.calling.Lock()
	defer w.calling.Unlock()
	if !w.over {
		f()
	}
}

func (w *watch) stop() {
	w.calling.Lock()
	w.over = true
	w.calling.Unlock()
	for _, conn := range w.conns {
		conn.Close()
	}
}

// subscribe subscribes to every partition at its primary. It tries all partitions at
// all servers: a server that is not the primary of a partition refuses.
func (w *watch) subscribe(ctx context.Context) error {
	if err := w.store.current(ctx, 0); err != nil {
		return err
	}
	var subscribed [partitions]bool
	var refused error
	for addr, node := range w.store.client.Nodes() {
		conn, err := dedicate(ctx, node)
		if err != nil {
			return err
		}
		sub := &subscription{DedicatedClient: conn}
		conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: w.message, OnSubscription: w.subscription})
		if err := w.subscribeAt(ctx, sub); err != nil {
			refused = errors.Join(refused, fmt.Errorf("redisstore: watch: server %s: %w", addr, err))
		}
		if len(sub.partitions) == 0 { // a replica
			conn.Close()
			continue
		}
		w.conns = append(w.conns, sub)
		for _, partition := range sub.partitions {
			subscribed[partition] = true
		}
	}
	for partition, ok := range subscribed {
		if !ok {
			return cmp.Or(refused, fmt.Errorf("redisstore: watch: no primary serves partition %d", partition))
		}
	}
	return nil
}

// subscribeAt subscribes to the partitions of which the server is the primary.
func (w *watch) subscribeAt(ctx context.Context, sub *subscription) error {
	ctx, cancel := context.WithTimeout(ctx, w.store.timeout)
	defer cancel()
	// With RESP2 the client would subscribe on another connection.
	hello, err := sub.Do(ctx, sub.B().Hello().Build()).AsMap()
	if err != nil {
		return err
	}
	proto := hello["proto"]
	if n, err := proto.AsInt64(); err != nil || n != 3 {
		return errors.New("the connection does not speak RESP3; remove ClientOption.AlwaysRESP2")
	}
	commands := make([]rueidis.Completed, 0, 2*partitions)
	for i := range partitions {
		commands = append(commands,
			sub.B().Ssubscribe().Channel(w.store.channel(byte(i))).Build(),
			sub.B().Getex().Key(w.store.currentKey(byte(i))).Build())
	}
	answers := sub.DoMulti(ctx, commands...)
	for i := range partitions {
		current := answers[2*i+1].Error()
		if rueidis.IsRedisNil(current) {
			current = nil
		}
		if e := cmp.Or(answers[2*i].Error(), current); e != nil {
			err = e
			continue
		}
		sub.partitions = append(sub.partitions, byte(i))
	}
	return outcome("watch", err)
}

func (w *watch) message(m rueidis.PubSubMessage) {
	d, err := digest(m.Message)
	if err != nil {
		w.store.strays.Add(1)
		return
	}
	w.call(func() { w.changed(d) })
}

func (w *watch) subscription(s rueidis.PubSubSubscription) {
	if s.Kind == "sunsubscribe" {
		w.end(errors.New("redisstore: watch: the server has ended the subscription"))
	}
}

// beat returns an error unless each server answers in time that it is a primary.
func (w *watch) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatWait)
	defer cancel()
	errs := make([]error, len(w.conns))
	var asked sync.WaitGroup
	for i, conn := range w.conns {
		asked.Go(func() {
			err := conn.Do(ctx, conn.B().Getex().Key(w.store.currentKey(conn.partitions[0])).Build()).Error()
			if !rueidis.IsRedisNil(err) {
				errs[i] = outcome("watch", err)
			}
		})
	}
	asked.Wait()
	return errors.Join(errs...)
}

// dedicate returns a new connection, or an error as soon as ctx ends. It uses another
// goroutine, because the client ignores ctx while it connects.
func dedicate(ctx context.Context, node rueidis.Client) (rueidis.DedicatedClient, error) {
	connected := make(chan rueidis.DedicatedClient, 1)
	go func() {
		conn, _ := node.Dedicate()
		connected <- conn
	}()
	select {
	case conn := <-connected:
		return conn, nil
	case <-ctx.Done():
		go func() { (<-connected).Close() }()
		return nil, ctx.Err()
	}
}

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, d store.Digest) error {
	// A replica would deliver the message only to its own clients, so ask the
	// server afterwards whether it is the primary.
	_, err := s.ask(ctx, "notify", func(ctx context.Context) rueidis.RedisResult {
		answers := s.client.DoMulti(ctx,
			s.client.B().Spublish().Channel(s.channel(d[0])).Message(string(d[:])).Build(),
			s.client.B().Getex().Key(s.currentKey(d[0])).Build())
		if answers[0].Error() != nil {
			return answers[0]
		}
		return answers[1]
	})
	if errors.Is(err, store.ErrNotFound) { // the key never exists
		return nil
	}
	return err
}
