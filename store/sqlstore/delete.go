package sqlstore

import (
	"context"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// Prune implements [store.Store]. It deletes a thousand credentials at a time.
func (s *Store) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	ended, err := s.prune(ctx, s.sql.ended, before.Ended)
	if err != nil {
		return ended, err
	}
	rotated, err := s.prune(ctx, s.sql.rotated, before.Rotated)
	return ended + rotated, err
}

func (s *Store) prune(ctx context.Context, text string, before time.Time) (total int, err error) {
	var from row.Time
	for {
		// Another Prune may delete some of the chosen rows first.
		var chosen, deleted int
		step := query.Statement{SQL: text, Args: []any{s.sql.time(before), s.sql.time(time.Time(from))}}
		step.Read = func(rows query.Rows) error {
			chosen, deleted = 0, 0
			for ; rows.Next(); chosen++ {
				var end row.Time
				var gone bool
				if err := rows.Scan(&end, &gone); err != nil {
					return err
				}
				if gone {
					deleted++
				}
				if time.Time(end).After(time.Time(from)) {
					from = end // the next step continues here in the index
				}
			}
			return rows.Err()
		}
		err := s.do(ctx, "prune", s.writer(), step)
		if err != nil {
			return total, err
		}
		total += deleted
		if chosen < batch {
			return total, nil
		}
	}
}

// Erase implements [store.Store].
func (s *Store) Erase(ctx context.Context, subject string) (int, error) {
	if !keeps(subject) || subject == "" {
		return 0, nil
	}
	if _, err := s.Revoke(ctx, store.Filter{Subject: subject}, time.Now()); err != nil {
		return 0, err
	}
	erased, err := s.inSteps(ctx, "erase", query.Statement{SQL: s.sql.lock, Args: []any{subject}}, query.Statement{SQL: s.sql.erase, Args: []any{subject}})
	return len(erased), err
}

// inSteps executes change, which changes a batch of rows and returns their digests,
// until no rows are left. Each step is a transaction, which begins with lock.
func (s *Store) inSteps(ctx context.Context, what string, lock, change query.Statement) (changed []store.Digest, err error) {
	var step []store.Digest
	change.Read = digests(&step)
	statements := []query.Statement{lock, change}
	if lock.SQL == "" {
		statements = statements[1:]
	}
	for {
		err := s.transact(ctx, what, func(ctx context.Context, run query.Runner) error { return run(ctx, statements...) })
		if err != nil {
			return changed, err
		}
		changed = append(changed, step...)
		if len(step) < batch {
			return changed, nil
		}
	}
}
