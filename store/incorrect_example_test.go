package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
)

// A filter that names nobody does not mean everybody. Whoever forgets the
// subject, or reads it from a field that is empty, revokes nothing and is told.
func Example_incorrect() {
	st := store.NewMemory()
	var subject string // forgotten
	_, err := st.Revoke(context.Background(), store.Filter{Kind: store.KindToken, Subject: subject}, time.Now())
	fmt.Println(err)
	// Output:
	// store: Filter: one of ID, Subject, Family and Parent must be set
}
