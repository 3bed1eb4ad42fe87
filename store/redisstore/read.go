package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// Find implements [store.Finder]. It is one GET.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	answer, err := s.ask(ctx, "find", func(ctx context.Context) rueidis.RedisResult {
		return s.client.Do(ctx, s.client.B().Get().Key(s.base+"d:"+string(d[:])).Build())
	})
	if err != nil {
		return nil, err
	}
	row, err := answer.ToString()
	if err != nil {
		return nil, fmt.Errorf("redisstore: find: %w", err)
	}
	c, err := decode(d, row)
	if err != nil {
		return nil, fmt.Errorf("redisstore: find: %w", err)
	}
	if c.Kind != k {
		return nil, store.ErrNotFound
	}
	return c, nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id string) (*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	answer, err := s.run(ctx, s.get, id)
	if err != nil {
		return nil, err
	}
	found, err := credentials(answer)
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("redisstore: get: %w", cmp.Or(err, errDamaged))
	}
	return found[0], nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, f store.Filter) ([]*store.Credential, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	limit := strconv.Itoa(cmp.Or(f.Limit, store.DefaultLimit))
	answer, err := s.run(ctx, s.list, append(filterArgs(f), limit, f.Before)...)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("redisstore: Filter.Before %q: %w", f.Before, err)
	case err != nil:
		return nil, err
	}
	found, err := credentials(answer)
	if err != nil {
		return nil, fmt.Errorf("redisstore: list: %w", err)
	}
	return found, nil
}

// filterArgs returns what scripts know of f.
func filterArgs(f store.Filter) []string {
	active := ""
	if f.Active {
		active = "1"
	}
	return []string{string(f.Kind), f.ID, f.Subject, f.Family, f.Parent, f.Except, active}
}

// credentials decodes an answer of digests and rows by turns.
func credentials(answer rueidis.RedisMessage) ([]*store.Credential, error) {
	pairs, err := answer.AsStrSlice()
	if err != nil {
		return nil, err
	}
	found := make([]*store.Credential, 0, len(pairs)/2)
	for ; len(pairs) > 1; pairs = pairs[2:] {
		d, err := digest(pairs[0])
		if err != nil {
			return nil, err
		}
		c, err := decode(d, pairs[1])
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, nil
}

func digest(b string) (d store.Digest, err error) {
	if len(b) != len(d) {
		return d, fmt.Errorf("a digest of %d bytes", len(b))
	}
	copy(d[:], b)
	return d, nil
}
