// Package operations holds what a service needs beside its handlers once people
// rely on it: pruning, a health check, counters to alert on, and what it takes to
// restore a backup and to move to another store. Each is short enough to be
// copied and changed. docs/operations.md says when to use them, and the tests of
// this package follow its steps, on real servers.
package operations

import (
	"context"
	"log/slog"
	"time"

	"github.com/keystile/keystile/store"
)

// Prune deletes what ended more than keep ago, at once and then again and again,
// until ctx is done. One node of a service is enough, and several do no harm.
func Prune(ctx context.Context, st store.Store, every, keep time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n, err := st.Prune(ctx, time.Now().Add(-keep))
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "prune", "err", err) // the next time will do
		} else if n > 0 {
			slog.InfoContext(ctx, "pruned", "credentials", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
