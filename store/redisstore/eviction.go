package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// refuseEviction returns an error if a server may delete keys to free memory, which
// it may with every policy except noeviction. In a cluster it asks the replicas, too,
// because one of them may take over. It skips servers that are down.
func (s *Store) refuseEviction(ctx context.Context) error {
	var refused, down []error
	nodes := s.client.Nodes()
	for addr, node := range nodes {
		policy, err := s.evictionPolicy(ctx, node)
		_, answered := errors.AsType[*rueidis.RedisError](err)
		const remedy = "set noeviction, or Config.DangerouslyAllowEviction"
		switch {
		case err != nil && !answered:
			down = append(down, fmt.Errorf("%w (server %s)", err, addr))
		case policy == "":
			refused = append(refused, fmt.Errorf("redisstore: server %s: does not report its maxmemory-policy; %s", addr, remedy))
		case policy != "noeviction":
			refused = append(refused, fmt.Errorf("redisstore: server %s: maxmemory-policy %q: may delete credentials; %s", addr, policy, remedy))
		}
	}
	if len(down) == len(nodes) {
		return errors.Join(down...)
	}
	return errors.Join(refused...)
}

// evictionPolicy returns the maxmemory-policy of a server, or "" if the server does
// not report it. It falls back to INFO, because managed servers often forbid CONFIG.
func (s *Store) evictionPolicy(ctx context.Context, node rueidis.Client) (string, error) {
	config, _ := s.config(ctx, node, "maxmemory-policy")
	if policy := config["maxmemory-policy"]; policy != "" {
		return policy, nil
	}
	info, err := s.info(ctx, node)
	return info["maxmemory_policy"], err
}

// config returns settings of a server.
func (s *Store) config(ctx context.Context, node rueidis.Client, names ...string) (map[string]string, error) {
	answer, err := s.ask(ctx, "CONFIG GET", func(ctx context.Context) rueidis.RedisResult {
		return node.Do(ctx, node.B().ConfigGet().Parameter(names...).Build())
	})
	if err != nil {
		return nil, err
	}
	return answer.AsStrMap()
}

// info returns the fields of INFO.
func (s *Store) info(ctx context.Context, node rueidis.Client) (map[string]string, error) {
	answer, err := s.ask(ctx, "INFO", func(ctx context.Context) rueidis.RedisResult {
		return node.Do(ctx, node.B().Info().Build())
	})
	if err != nil {
		return nil, err
	}
	text, err := answer.ToString()
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, err
}
