package operations

import (
	"context"
	"fmt"
	"slices"

	"github.com/keystile/keystile/store"
)

// Copy copies all that subjects hold from one store to another, of whatever
// engine, and returns how many credentials that were. The other one must be
// empty, and nothing may be written to the first one meanwhile: what changes
// behind its back, a revocation above all, is not copied.
func Copy(ctx context.Context, to, from store.Store, subjects []string) (n int, err error) {
	const page = 1000
	for _, subject := range slices.Compact(slices.Sorted(slices.Values(subjects))) {
		f := store.Filter{Subject: subject, Limit: page}
		for {
			list, err := from.List(ctx, f)
			if err != nil {
				return n, fmt.Errorf("operations: copy: account %q: %w", subject, err)
			}
			for _, c := range list {
				if err := to.Insert(ctx, c, 0); err != nil {
					return n, fmt.Errorf("operations: copy: credential %q: %w", c.ID, err)
				}
				n++
			}
			if len(list) < page {
				break
			}
			f.Before = list[page-1].ID
		}
	}
	return n, nil
}
