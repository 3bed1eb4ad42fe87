package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/keystile/keystile/store"
)

// Insert implements [store.Store]. It runs one script. A credential that does not fit,
// see [Store.FitsDigest], takes up to four more commands.
func (s *Store) Insert(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
	row, err := encode(c)
	if err != nil {
		return nil, fmt.Errorf("redisstore: insert: %w", err)
	}
	since, err := appendTime(nil, l.Since)
	if err != nil {
		return nil, fmt.Errorf("redisstore: insert: Limits.Since: %w", err)
	}
	endOldest := ""
	if l.EndOldest {
		endOldest = "1"
	}
	err = s.place(ctx, c, func(ctx context.Context) error {
		rows, err := s.write(ctx, s.insert, c.Subject, string(c.Digest[:]), row,
			strconv.Itoa(l.Active), endOldest, strconv.Itoa(l.Recent), string(since))
		if err == nil {
			ended, err = digests(rows)
		}
		return err
	})
	return ended, err
}

// write runs a script that writes in the partition of a subject, and waits for the
// replicas.
func (s *Store) write(ctx context.Context, sc script, subject string, args ...string) ([]string, error) {
	answer, err := s.runAcknowledged(ctx, sc, partitionOf(subject), args...)
	if err != nil {
		return nil, err
	}
	rows, err := answer.AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", sc.name, err)
	}
	return rows, nil
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	args := []string{id, "", "", "", ""}
	if ch.Name != nil {
		args[1] = "=" + *ch.Name
	}
	if ch.Data != nil {
		args[2] = "=" + string(*ch.Data)
	}
	if ch.Scopes != nil {
		args[3] = "=" + encodeScopes(*ch.Scopes)
	}
	if ch.Networks != nil {
		networks, err := encodeNetworks(*ch.Networks)
		if err != nil {
			return nil, fmt.Errorf("redisstore: update: %w", err)
		}
		args[4] = "=" + networks
	}
	answer, err := s.runAcknowledged(ctx, s.update, partitionOf(id), args...)
	if err != nil {
		return nil, err
	}
	return one("update", answer)
}

// Rotate implements [store.Store].
func (s *Store) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	if next.CreatedAt.Truncate(time.Microsecond).IsZero() {
		return errors.New("redisstore: rotate: next.CreatedAt: zero; set it to the time of the rotation")
	}
	ends, err := appendTime(nil, until)
	if err != nil {
		return fmt.Errorf("redisstore: rotate: until: %w", err)
	}
	since, err := appendTime(nil, l.Since)
	if err != nil {
		return fmt.Errorf("redisstore: rotate: Limits.Since: %w", err)
	}
	row, err := encode(next)
	if err != nil {
		return fmt.Errorf("redisstore: rotate: %w", err)
	}
	return s.place(ctx, next, func(ctx context.Context) error {
		_, err := s.runAcknowledged(ctx, s.rotate, partitionOf(id), id, string(ends), string(next.Digest[:]), row,
			strconv.Itoa(l.Recent), string(since))
		return err
	})
}

// Revoke implements [store.Store]. Each step is a script that reads at most 1000 live
// credentials.
func (s *Store) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if at.Truncate(time.Microsecond).IsZero() {
		return nil, errors.New("redisstore: revoke: at: zero; pass the time of the revocation")
	}
	revoked, err := appendTime(nil, at)
	if err != nil {
		return nil, fmt.Errorf("redisstore: revoke: %w", err)
	}
	cutoff, err := appendTime(nil, at.Add(-store.Skew))
	if err != nil { // before the year 1: use the zero time, which is earlier than every expiry
		cutoff, _ = appendTime(nil, time.Time{})
	}
	partition := partitionOf(f.Subject)
	if f.Subject == "" {
		partition = partitionOf(f.ID)
	}
	args := append([]string{string(f.Kind), f.ID, f.Subject, f.Family, f.ClientID, string(revoked), string(cutoff), "", strconv.Itoa(liveStep)}, f.Except...)
	var changed []store.Digest
	for {
		// A rotation may insert a successor before the position that this pass has
		// reached. So repeat a pass of several steps until one changes nothing.
		n, steps := len(changed), 0
		for args[7] = ""; steps == 0 || args[7] != ""; steps++ {
			answer, err := s.runAcknowledged(ctx, s.revoke, partition, args...)
			if err != nil {
				return changed, err
			}
			rows, err := answer.AsStrSlice()
			if err != nil || len(rows) == 0 {
				return changed, fmt.Errorf("redisstore: revoke: %w", errors.Join(err, errDamaged))
			}
			args[7] = rows[0]
			ds, err := digests(rows[1:])
			if err != nil {
				return changed, fmt.Errorf("redisstore: revoke: %w", err)
			}
			changed = append(changed, ds...)
		}
		if steps == 1 || len(changed) == n {
			return changed, nil
		}
	}
}

// pruneStep is how many rows of each index the script deletes. That blocks the server
// for about 10 milliseconds.
const pruneStep = 250

// Prune implements [store.Store]. Each step deletes at most 500 rows of one
// partition.
func (s *Store) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	ended, err := appendTime(nil, before.Ended)
	if err != nil {
		return 0, fmt.Errorf("redisstore: prune: PruneBefore.Ended: %w", err)
	}
	rotated, err := appendTime(nil, before.Rotated)
	if err != nil {
		return 0, fmt.Errorf("redisstore: prune: PruneBefore.Rotated: %w", err)
	}
	deleted := 0
	for partition := range partitions {
		n, err := s.delete(ctx, s.prune, byte(partition), string(ended), string(rotated), strconv.Itoa(pruneStep))
		deleted += n
		if err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// Erase implements [store.Store]. Each step deletes at most 500 rows.
func (s *Store) Erase(ctx context.Context, subject string) (int, error) {
	if subject == "" {
		return 0, ctx.Err()
	}
	if _, err := s.Revoke(ctx, store.Filter{Subject: subject}, time.Now()); err != nil {
		return 0, err
	}
	return s.delete(ctx, s.erase, partitionOf(subject), subject, strconv.Itoa(2*pruneStep))
}

// delete runs a script that deletes rows, until it deletes none. It also deletes the
// pointers to these rows.
func (s *Store) delete(ctx context.Context, sc script, partition byte, args ...string) (deleted int, err error) {
	for {
		answer, err := s.run(ctx, sc, partition, args...)
		if err != nil {
			return deleted, err
		}
		pairs, err := answer.AsStrSlice()
		if err != nil || len(pairs)%2 != 0 {
			return deleted, fmt.Errorf("redisstore: %s: %w", sc.name, errors.Join(err, errDamaged))
		}
		deleted += len(pairs) / 2
		for i := 0; i < len(pairs); i += 2 {
			d, err := digest(pairs[i])
			if err != nil {
				return deleted, fmt.Errorf("redisstore: %s: %w", sc.name, err)
			}
			c := &store.Credential{Digest: d, ID: pairs[i+1]}
			if partitionOfDigest(d) == partition && partitionOf(c.ID) == partition {
				continue
			}
			// Delete only stale pointers: another Insert may have claimed the digest since.
			if err := s.dropStale(ctx, c); err != nil && !errors.Is(err, store.ErrNotFound) {
				return deleted, err
			}
		}
		if len(pairs) == 0 {
			return deleted, nil
		}
	}
}
