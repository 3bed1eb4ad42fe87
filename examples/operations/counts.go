package operations

import (
	"context"
	"errors"
	"expvar"

	"github.com/keystile/keystile/auth"
)

// Count returns an Observe, for a guard and for every scheme, that counts what to
// alert on.
func Count(counts *expvar.Map) func(context.Context, auth.Event) {
	return func(_ context.Context, ev auth.Event) {
		switch {
		case ev.Outage():
			counts.Add("outages", 1)
		case ev.Type == auth.Reused:
			counts.Add("reused", 1)
		case ev.Type == auth.Authenticated:
			counts.Add("authenticated", 1)
		case ev.Type != auth.Refused:
		case errors.Is(ev.Err, auth.ErrThrottled):
			counts.Add("throttled", 1)
		case errors.Is(ev.Err, auth.ErrCrossOrigin):
			counts.Add("cross-origin", 1)
		case errors.Is(ev.Err, auth.ErrInvalidCredentials):
			counts.Add("invalid", 1)
		default: // without credentials, malformed, or without the scope
			counts.Add("refused", 1)
		}
	}
}
