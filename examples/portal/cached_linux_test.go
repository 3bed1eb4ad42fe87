package main

import (
	"testing"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// The whole contract, through a cache in front of a server, as the portal opens it.
// R1 R3 R4 R6 R8 R10
func TestCachedStore(t *testing.T) {
	redis := services.StartRedis(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		if _, err := redis.Do("FLUSHALL"); err != nil {
			t.Fatal(err)
		}
		kept, err := openStore(t.Context(), "redis://"+redis.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kept.close() })
		return kept.Store
	})
}
