package attack_test

import (
	"testing"

	"github.com/keystile/keystile/internal/attack"
	"github.com/keystile/keystile/store"
)

// E1 E2: an account is taken back from a thief. R11 R13 B9 B14 K15
func TestMemory(t *testing.T) {
	attack.Run(t, func(*testing.T) store.Store { return store.NewMemory() }, 2000)
}
