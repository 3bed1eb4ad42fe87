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

// kinds are the kinds of credentials by scheme, as events name it.
var kinds = map[string]store.Kind{"Bearer": store.KindToken, "Secret": store.KindSecret, "Cookie": store.KindSession}

// RevokeAgain revokes in a restored store the credentials that ended after the
// backup, according to the events of an audit log since then, each with its Type,
// Scheme, Subject and Credential. It returns how many credentials it revoked.
//
// An event names a credential, the first one of a chain, a client, or with no ID
// everything of its kind that the account had. It always revokes the whole chain.
// An account may have to ask for a new token, but no ended one stays valid.
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
		filters := []store.Filter{{}} // everything of the kind
		if ev.Credential != "" {
			filters = []store.Filter{{Family: ev.Credential}, {ClientID: ev.Credential}}
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
