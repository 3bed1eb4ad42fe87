package cache_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// B8: a Cache that New has not made says so.
func TestZeroCache(t *testing.T) {
	for _, c := range []*cache.Cache{new(cache.Cache), nil} {
		zero.Refuses(t, "cache: the Cache was not made by New", []string{"Close"}, c)
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if _, err := cache.New(cache.Config{Store: (*store.Memory)(nil)}); err == nil {
		t.Error("New takes a nil *store.Memory")
	}
}
