package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/internal/attack"
	"github.com/keystile/keystile/store"
)

// E1 E2: an owner takes an account back from an attacker. R11 R13 B9 B14
func TestAttack(t *testing.T) {
	attack.Run(t, func(t *testing.T) store.Store { return open(t, empty(t)) }, 1000)
}
