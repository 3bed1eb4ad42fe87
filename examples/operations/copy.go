package operations

import (
	"context"
	"fmt"

	"github.com/keystile/keystile/store"
)

// Copy copies all credentials from one store to another, of whatever engine, and
// returns how many. The other one must be empty. Nothing may be written to the
// first one meanwhile: a change of a credential that was already copied, such as a
// revocation, would be lost.
func Copy(ctx context.Context, to store.Store, from store.Scanner) (n int, err error) {
	for c, err := range from.Scan(ctx, store.ScanFilter{}) {
		if err != nil {
			return n, fmt.Errorf("operations: copy: %w", err)
		}
		if _, err := to.Insert(ctx, c, store.Limits{}); err != nil {
			return n, fmt.Errorf("operations: copy: credential %q: %w", c.ID, err)
		}
		n++
	}
	return n, nil
}
