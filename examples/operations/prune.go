// Package operations holds what a service in production needs beside its handlers:
// pruning, a health check, counters for alerts, and the steps after a backup was
// restored or when the service moves to another store. Each is short enough to be
// copied and changed. docs/operations.md says when to use them, and the tests of
// this package follow its steps on real servers.
package operations

import (
	"context"
	"log/slog"
	"time"

	"github.com/keystile/keystile/store"
)

// Keep says for how long credentials are kept after they have ended. A rotated one
// shows its reuse for so long; others are kept for their owner to look at, and must
// be kept for longer than an hour, because HourlyLimit counts them.
type Keep struct{ Rotated, Ended time.Duration }

// Prune deletes old credentials, at once and then at each interval, until ctx is
// done. One node of a service is enough, and several do no harm.
func Prune(ctx context.Context, st store.Store, every time.Duration, keep Keep) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		now := time.Now()
		n, err := st.Prune(ctx, store.PruneBefore{Rotated: now.Add(-keep.Rotated), Ended: now.Add(-keep.Ended)})
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "prune", "err", err) // the next run goes on
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
