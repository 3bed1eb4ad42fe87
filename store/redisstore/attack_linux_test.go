package redisstore_test

import (
	"testing"

	"github.com/keystile/keystile/internal/attack"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// E1 E2: an owner takes an account back from an attacker. R11 R13 B9 B14
func TestAttack(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	attack.Run(t, func(t *testing.T) store.Store { return open(t, client) }, 1000)
}
