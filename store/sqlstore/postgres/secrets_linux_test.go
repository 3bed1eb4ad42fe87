package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/store/sqlstore/internal/service"
)

// T3: neither the data nor the log, which has every statement with its parameters,
// contains a plaintext or a piece of one.
func TestOnlyDigestsAtRest(t *testing.T) {
	server := faulty(t)
	plaintexts := service.Secrets(t, open(t, server.DSN("postgres")))
	server.StopImmediate()
	defer server.Start()
	service.Search(t, server.Dir(), plaintexts)
}
