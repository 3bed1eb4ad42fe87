package redisstore_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store/redisstore"
)

// B8: a Store that New has not made says so.
func TestZeroStore(t *testing.T) {
	zero.Refuses(t, "redisstore: the Store was not made by New", []string{"Format"}, new(redisstore.Store), (*redisstore.Store)(nil))
}
