package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// maxDelivery is how long a notification may take; see [store.Watcher].
const maxDelivery = 500 * time.Millisecond

// Check implements [store.Checker]. For each server it examines the role, the
// replicas, the clock and the settings that the package comment lists. Then it sends
// a notification and waits for it. Finally it reports how many messages from other
// programs Watch has ignored since the last Check.
//
// If a server forbids CONFIG, Check cannot read some settings. It names them only if
// it finds another problem.
func (s *Store) Check(ctx context.Context) error {
	nodes := s.client.Nodes()
	var found, unknown []error
	for _, addr := range slices.Sorted(maps.Keys(nodes)) {
		n := &inspection{store: s, client: nodes[addr], addr: addr}
		n.inspect(ctx)
		found, unknown = append(found, n.found...), append(unknown, n.unknown...)
	}
	if err := s.checkDelivery(ctx); err != nil {
		found = append(found, err)
	}
	if n := s.strays.Swap(0); n > 0 {
		found = append(found, fmt.Errorf("redisstore: check: %d messages on the channels since the last check are not from keystile; restrict to this service which users may publish on %s*", n, s.prefix))
	}
	if len(found) == 0 {
		return nil
	}
	return errors.Join(append(found, unknown...)...)
}

// checkDelivery returns an error unless a notification arrives in time.
func (s *Store) checkDelivery(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	var nonce store.Digest
	rand.Read(nonce[:])
	alive, arrived, ended := make(chan struct{}, 1), make(chan struct{}, 1), make(chan error, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		ended <- s.Watch(ctx, func() { signal(alive) }, func(d store.Digest) {
			if d == nonce {
				signal(arrived)
			}
		})
	})
	select {
	case <-alive:
	case err := <-ended:
		return err
	}
	start := time.Now()
	if err := s.Notify(ctx, nonce); err != nil {
		return err
	}
	select {
	case <-arrived:
	case err := <-ended:
		return fmt.Errorf("redisstore: check: a notification did not arrive: %w", err)
	}
	if took := time.Since(start); took > maxDelivery {
		return fmt.Errorf("redisstore: check: a notification took %v; must be at most %v", took, maxDelivery)
	}
	return nil
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// An inspection collects the problems of one server.
type inspection struct {
	store          *Store
	client         rueidis.Client
	addr           string
	found, unknown []error
}

func (n *inspection) report(format string, args ...any) {
	n.found = append(n.found, fmt.Errorf("redisstore: check: server "+n.addr+": "+format, args...))
}

func (n *inspection) inspect(ctx context.Context) {
	info, err := n.store.info(ctx, n.client)
	if err != nil {
		n.report("%w", err)
		return
	}
	cluster := info["cluster_enabled"] == "1"
	switch {
	case info["role"] == "master":
		n.replicas(info)
	case !cluster:
		n.report("is a replica; connect to the primary")
	}
	if info["role"] != "master" && info["master_link_status"] != "up" {
		n.report("the link to its primary is %q, so its data is old; repair replication", info["master_link_status"])
	}
	n.clock(ctx)
	n.settings(ctx, info)
}

// replicas examines the replicas of a primary.
func (n *inspection) replicas(info map[string]string) {
	connected, _ := strconv.Atoi(info["connected_slaves"])
	if connected > n.store.replicas {
		n.report("%d replicas, but Config.Replicas is %d; a failover can lose a revocation: set Config.Replicas to %d", connected, n.store.replicas, connected)
	}
	if connected < n.store.replicas {
		n.report("%d replicas, but Config.Replicas is %d, so changes fail; start the missing replicas", connected, n.store.replicas)
	}
	for i := range connected {
		replica := info["slave"+strconv.Itoa(i)]
		if replica != "" && !strings.Contains(replica, "state=online") {
			n.report("a replica is not in step (%s); repair replication", replica)
		}
	}
	if _, ok := info["min_slaves_good_slaves"]; connected > 0 && !ok {
		n.report("min-replicas-to-write or min-replicas-max-lag is 0; set them to 1 and 10, so that a primary which was replaced stops answering")
	}
}

// clock compares the server's clock with this machine's.
func (n *inspection) clock(ctx context.Context) {
	before := time.Now()
	answer, err := n.store.ask(ctx, "check", func(ctx context.Context) rueidis.RedisResult {
		return n.client.Do(ctx, n.client.B().Time().Build())
	})
	now := before.Add(time.Since(before) / 2)
	parts, err2 := answer.AsIntSlice()
	if err := errors.Join(err, err2); err != nil || len(parts) != 2 {
		n.unknown = append(n.unknown, fmt.Errorf("redisstore: check: server %s: TIME: unknown: %w", n.addr, err))
		return
	}
	if off := time.Unix(parts[0], parts[1]*1000).Sub(now); off.Abs() > store.Skew {
		n.report("the clock is off by %v; must be within %v: synchronize the clocks", off.Round(time.Second), store.Skew)
	}
}

// settings examines whether the server can lose writes that it acknowledged.
func (n *inspection) settings(ctx context.Context, info map[string]string) {
	if info["aof_enabled"] == "0" {
		n.report("appendonly is off, so a restart forgets revocations; set appendonly yes")
	}
	if info["aof_last_write_status"] == "err" {
		n.report("cannot write its append-only file; repair its disk")
	}
	used, _ := strconv.ParseFloat(info["used_memory"], 64)
	if limit, _ := strconv.ParseFloat(info["maxmemory"], 64); limit > 0 && used > 0.9*limit {
		n.report("uses %.0f%% of maxmemory; credentials cannot be issued when it is full: raise maxmemory or call Prune", 100*used/limit)
	}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		n.report("maxmemory-policy is %q, which may delete credentials; set noeviction", policy)
	}
	config, err := n.store.config(ctx, n.client, "appendfsync", "replica-read-only")
	if err != nil {
		n.unknown = append(n.unknown, fmt.Errorf("redisstore: check: server %s: appendfsync, replica-read-only: unknown, because CONFIG is refused: %w", n.addr, err))
		return
	}
	if v := config["appendfsync"]; info["aof_enabled"] == "1" && v != "" && v != "always" {
		n.report("appendfsync is %q, so a crash forgets the latest revocations; set always", v)
	}
	if config["replica-read-only"] == "no" {
		n.report("replica-read-only is no, so a replica passes for a primary; set yes")
	}
}
