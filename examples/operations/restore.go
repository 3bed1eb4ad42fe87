package operations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// kinds says what the events of a scheme are about.
var kinds = map[string]store.Kind{"Bearer": store.KindToken, "Secret": store.KindSecret, "Cookie": store.KindSession}

// RevokeAgain revokes in a store that was restored what the events of an audit
// log say had ended: those since the backup, each with its Type, Scheme, Subject
// and Credential. It returns how many credentials that changed.
//
// An event names a credential, the first one of a chain, a client, or with no ID
// everything of its kind that the account had. Where it may be either, this
// revokes both: somebody has to ask for a new token, and nobody has one too many.
func RevokeAgain(ctx context.Context, st store.Store, events []auth.Event) (n int, err error) {
	for _, ev := range events {
		switch ev.Type {
		case auth.Revoked, auth.Rotated, auth.Reused, auth.SignedOut:
		default:
			continue
		}
		kind, ok := kinds[ev.Scheme]
		if !ok || ev.Subject == "" {
			return n, fmt.Errorf("operations: revoke again: event %q of scheme %q, subject %q: nothing to go by", ev.Type, ev.Scheme, ev.Subject)
		}
		filters := []store.Filter{{}}
		if ev.Credential != "" {
			filters = []store.Filter{{ID: ev.Credential}, {Family: ev.Credential}, {Parent: ev.Credential}}
		}
		if ev.Type == auth.Reused {
			switch c, err := st.Get(ctx, ev.Credential); {
			case err == nil:
				filters = append(filters, store.Filter{Family: cmp.Or(c.Family, c.ID)})
			case !errors.Is(err, store.ErrNotFound):
				return n, fmt.Errorf("operations: revoke again: %w", err)
			}
		}
		for _, f := range filters {
			f.Kind, f.Subject = kind, ev.Subject
			changed, err := st.Revoke(ctx, f, time.Now())
			if err != nil {
				return n, fmt.Errorf("operations: revoke again: %w", err)
			}
			n += len(changed)
		}
	}
	return n, nil
}
