package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
)

// A filter without a subject does not mean every account. Code that forgets the
// subject, or reads it from an empty field, revokes nothing and gets an error.
func Example_incorrect() {
	st := store.NewMemory()
	var subject string // forgotten
	_, err := st.Revoke(context.Background(), store.Filter{Kind: store.KindToken, Subject: subject}, time.Now())
	fmt.Println(err)
	// Output:
	// store: Filter: ID or Subject must be set
}
