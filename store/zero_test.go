package store_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store"
)

// B8: a nil Memory, which most often is one that was never made, says so. The zero
// one is an empty store.
func TestNilMemory(t *testing.T) {
	zero.Refuses(t, "store: nil *Memory", nil, (*store.Memory)(nil))
}
