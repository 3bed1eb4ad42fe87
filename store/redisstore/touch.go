package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// Touch implements [store.Store]. It takes one round trip, in which it sends a script
// for each partition. Uses of credentials whose ID does not fit take a second one.
func (s *Store) Touch(ctx context.Context, uses []store.Use) error {
	batches := make(map[byte][]store.Use)
	for _, u := range uses {
		p := partitionOf(u.ID)
		batches[p] = append(batches[p], u)
	}
	elsewhere, err := s.touchAll(ctx, batches)
	if err == nil && len(elsewhere) > 0 {
		_, err = s.touchAll(ctx, elsewhere)
	}
	return err
}

// touchAll records uses, which are grouped by the partition of the ID. It returns the
// uses of credentials that are in another partition, grouped by that partition.
func (s *Store) touchAll(ctx context.Context, batches map[byte][]store.Use) (map[byte][]store.Use, error) {
	if len(batches) == 0 {
		return nil, ctx.Err()
	}
	var asked [][]store.Use
	var calls []rueidis.LuaExec
	for partition, batch := range batches {
		args := make([]string, 0, 3*len(batch))
		for _, u := range batch {
			at, err := appendTime(nil, u.At)
			if err != nil {
				return nil, fmt.Errorf("redisstore: touch: %w", err)
			}
			args = append(args, u.ID, string(at), encodeAddr(u.Addr))
		}
		asked = append(asked, batch)
		calls = append(calls, rueidis.LuaExec{Keys: []string{s.keyPrefix(partition)}, Args: args})
	}
	answers, err := s.askAll(ctx, s.touch, calls)
	if err != nil {
		return nil, err
	}
	elsewhere := make(map[byte][]store.Use)
	for i, answer := range answers {
		moved, err := answer.ToArray()
		if err != nil {
			return nil, fmt.Errorf("redisstore: touch: %w", err)
		}
		for ; len(moved) > 1; moved = moved[2:] {
			p, err := moved[0].ToString()
			n, err2 := moved[1].AsInt64()
			if err := errors.Join(err, err2); err != nil || len(p) != 1 || n < 0 || int(n) >= len(asked[i]) {
				return nil, fmt.Errorf("redisstore: touch: %w", errors.Join(err, errDamaged))
			}
			elsewhere[p[0]] = append(elsewhere[p[0]], asked[i][n])
		}
	}
	return elsewhere, nil
}
