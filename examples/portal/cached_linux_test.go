package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/storetest"
)

// The whole contract, through a cache, on every store that the portal has. R1 R3
// R4 R6 R8 R10
func TestCachedStores(t *testing.T) {
	postgres, redis := services.StartPostgres(t), services.StartRedis(t)
	n := 0
	for name, fresh := range map[string]func(t *testing.T) string{
		"memory": func(*testing.T) string { return "memory" },
		"SQLite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "portal.db") },
		"PostgreSQL": func(*testing.T) string {
			n++
			return postgres.CreateDatabase(fmt.Sprint("portal", n))
		},
		"Redis": func(t *testing.T) string {
			if _, err := redis.Do("FLUSHALL"); err != nil {
				t.Fatal(err)
			}
			return "redis://" + redis.Addr()
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				kept, err := openStore(t.Context(), fresh(t))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { kept.close() })
				if _, ok := kept.Store.(*cache.Cache); ok { // what is shared has one
					return kept
				}
				c, err := cache.New(cache.Config{Store: kept})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c
			})
		})
	}
}
