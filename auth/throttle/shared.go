package throttle

import (
	"context"
	"net/netip"
	"time"
)

const (
	// maxWait bounds how long a Shared may block an address for.
	maxWait = 24 * time.Hour

	// sharedTimeout bounds how long a failed attempt is held up by it.
	sharedTimeout = time.Second
)

// A Shared counts failed attempts for several machines, in Redis for instance.
// It is asked only when an attempt has failed, and what it answers is remembered
// here: neither those who succeed nor those who are blocked wait for it. A client
// whose address cannot be told is counted by each machine for itself.
type Shared interface {
	// Failed counts one failed attempt of client, an address or an IPv6 /64,
	// and returns for how long no further one is to be let through, at most 24
	// hours; 0 for as long as this machine's own count says. After an error or
	// a panic that count is all there is. ctx ends after a second, and not when
	// the client hangs up. Failed is called concurrently.
	Failed(ctx context.Context, client netip.Prefix) (time.Duration, error)
}

// ask returns for how long the Shared blocks c.
func (l *Limiter) ask(ctx context.Context, c client) (wait time.Duration) {
	if l.shared == nil || c == unknown {
		return 0
	}
	// A client that hangs up must not go uncounted, and a Shared that does not
	// work must not make an outage of a refusal.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			wait = 0
		}
	}()
	wait, err := l.shared.Failed(ctx, c.prefix())
	if err != nil {
		return 0
	}
	return min(wait, maxWait)
}
