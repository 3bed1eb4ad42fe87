package cache_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// Do not revoke in the store behind a Cache. This is WRONG: the Cache does not
// notice, so it accepts the credential for as long as if another process had revoked
// it. Use only the Cache everywhere.
func Example_incorrect() {
	ctx := context.Background()
	db := store.NewMemory()
	c, err := cache.New(cache.Config{Store: db})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for _, st := range []store.Store{db, c} { // WRONG, and correct
		digest := store.Digest{1}
		if _, err := c.Insert(ctx, &store.Credential{ID: "7QZT3NLE", Kind: store.KindToken, Digest: digest}, store.Limits{}); err != nil {
			log.Fatal(err)
		}
		show := func() {
			found, err := c.Find(ctx, store.KindToken, digest)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("active:", found.Active(time.Now()))
		}
		show()
		if _, err := st.Revoke(ctx, store.Filter{ID: "7QZT3NLE"}, time.Now()); err != nil {
			log.Fatal(err)
		}
		show()
		if _, err := c.Prune(ctx, store.PruneBefore{Ended: time.Now().Add(time.Minute)}); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// active: true
	// active: true
	// active: true
	// active: false
}
