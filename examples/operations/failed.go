package operations

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/auth/throttle"
)

// Failed counts in Redis what failed at any node: an address that has failed Limit
// times within Window is blocked for the rest of it, by each node from the first
// attempt that fails there.
type Failed struct {
	Client rueidis.Client
	Prefix string // of the keys
	Limit  int64
	Window time.Duration
}

var _ throttle.Shared = (*Failed)(nil)

// Failed implements [throttle.Shared].
func (f *Failed) Failed(ctx context.Context, client netip.Prefix) (time.Duration, error) {
	key := f.Prefix + client.String()
	answers := f.Client.DoMulti(ctx,
		f.Client.B().Incr().Key(key).Build(),
		f.Client.B().Pexpire().Key(key).Milliseconds(f.Window.Milliseconds()).Nx().Build(),
		f.Client.B().Pttl().Key(key).Build(),
	)
	n, err := answers[0].AsInt64()
	if err := errors.Join(err, answers[1].Error()); err != nil || n < f.Limit {
		return 0, err
	}
	left, err := answers[2].AsInt64()
	return time.Duration(left) * time.Millisecond, err
}
