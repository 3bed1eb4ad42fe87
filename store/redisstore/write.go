package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/keystile/keystile/store"
)

// Insert implements [store.Store].
func (s *Store) Insert(ctx context.Context, c *store.Credential, limit int) error {
	if err := s.made(); err != nil {
		return err
	}
	row, err := encode(c)
	if err != nil {
		return fmt.Errorf("redisstore: insert: %w", err)
	}
	_, err = s.run(ctx, s.insert, string(c.Digest[:]), row, strconv.Itoa(limit))
	return err
}

// Rotate implements [store.Store].
func (s *Store) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential) error {
	if err := s.made(); err != nil {
		return err
	}
	if next.CreatedAt.Truncate(time.Microsecond).IsZero() {
		return errors.New("redisstore: rotate: next.CreatedAt: zero: must be the time of the rotation")
	}
	ends, err := appendTime(nil, until)
	if err != nil {
		return fmt.Errorf("redisstore: rotate: until: %w", err)
	}
	row, err := encode(next)
	if err != nil {
		return fmt.Errorf("redisstore: rotate: %w", err)
	}
	_, err = s.run(ctx, s.rotate, id, string(ends), string(next.Digest[:]), row)
	return err
}

// Revoke implements [store.Store]. It is one step however many credentials f
// selects: the server does nothing else meanwhile, less than 0.1 milliseconds for
// each.
func (s *Store) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.Limit != 0 || f.Before != "" {
		return nil, errors.New("redisstore: revoke: Filter.Limit and Filter.Before must be zero")
	}
	if at.Truncate(time.Microsecond).IsZero() {
		return nil, errors.New("redisstore: revoke: at: zero: must be the time of the revocation")
	}
	revoked, err := appendTime(nil, at)
	if err != nil {
		return nil, fmt.Errorf("redisstore: revoke: %w", err)
	}
	answer, err := s.run(ctx, s.revoke, append(filterArgs(f), string(revoked))...)
	if err != nil {
		return nil, err
	}
	changed, err := answer.AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: revoke: %w", err)
	}
	digests := make([]store.Digest, len(changed))
	for i, b := range changed {
		if digests[i], err = digest(b); err != nil {
			return nil, fmt.Errorf("redisstore: revoke: %w", err)
		}
	}
	return digests, nil
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, id string, at time.Time) error {
	if err := s.made(); err != nil {
		return err
	}
	used, err := appendTime(nil, at)
	if err != nil {
		return fmt.Errorf("redisstore: touch: %w", err)
	}
	_, err = s.run(ctx, s.touch, id, string(used))
	return err
}

// pruneStep is how many rows Prune deletes at once. The server does nothing else
// meanwhile, for about 15 milliseconds.
const pruneStep = 500

// Prune implements [store.Store]. It deletes in steps of a few hundred rows, so
// that the server answers others in between. If a step fails it returns the
// error and how many rows the steps before have deleted.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := s.made(); err != nil {
		return 0, err
	}
	limit, err := appendTime(nil, before)
	if err != nil {
		return 0, fmt.Errorf("redisstore: prune: %w", err)
	}
	for deleted := 0; ; {
		answer, err := s.run(ctx, s.prune, string(limit), strconv.Itoa(pruneStep))
		if err != nil {
			return deleted, err
		}
		counts, err := answer.AsIntSlice()
		if err != nil || len(counts) != 2 {
			return deleted, fmt.Errorf("redisstore: prune: the server answers %v: %w", counts, err)
		}
		deleted += int(counts[0])
		if counts[1] < pruneStep {
			return deleted, nil
		}
	}
}
