package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// refuseEviction returns an error if a server may delete keys to make room.
// Every policy but noeviction does: volatile-* delete keys that have a lifetime,
// and most of ours have one. In a cluster each node is asked, replicas too: they
// are what takes over. A node that is down holds up nobody.
func (s *Store) refuseEviction(ctx context.Context) error {
	var refused, down []error
	nodes := s.client.Nodes()
	for addr, node := range nodes {
		policy, err := s.evictionPolicy(ctx, node)
		_, answered := errors.AsType[*rueidis.RedisError](err)
		const override = "Config.DangerouslyAllowEviction accepts that"
		switch {
		case err != nil && !answered:
			down = append(down, fmt.Errorf("%w (server %s)", err, addr))
		case policy == "":
			refused = append(refused, fmt.Errorf("redisstore: server %s: does not tell its maxmemory-policy, which must be noeviction; %s", addr, override))
		case policy != "noeviction":
			refused = append(refused, fmt.Errorf("redisstore: server %s: maxmemory-policy %q: may delete credentials, must be noeviction; %s", addr, policy, override))
		}
	}
	if len(down) == len(nodes) {
		return errors.Join(down...)
	}
	return errors.Join(refused...)
}

// evictionPolicy returns the maxmemory-policy of a node, or "" where it does not
// tell: managed servers often forbid CONFIG.
func (s *Store) evictionPolicy(ctx context.Context, node rueidis.Client) (string, error) {
	answer, err := s.ask(ctx, "CONFIG GET", func(ctx context.Context) rueidis.RedisResult {
		return node.Do(ctx, node.B().ConfigGet().Parameter("maxmemory-policy").Build())
	})
	if err == nil {
		if config, _ := answer.AsStrMap(); config["maxmemory-policy"] != "" {
			return config["maxmemory-policy"], nil
		}
	}
	answer, err = s.ask(ctx, "INFO", func(ctx context.Context) rueidis.RedisResult {
		return node.Do(ctx, node.B().Info().Section("memory").Build())
	})
	if err != nil {
		return "", err
	}
	info, err := answer.ToString()
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			return strings.TrimSpace(policy), nil
		}
	}
	return "", err
}
