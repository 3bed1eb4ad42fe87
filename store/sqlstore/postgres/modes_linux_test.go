package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/storetest"
)

// S13: the store keeps the whole contract in the simple protocol, in which every
// value is text.
func TestSimpleProtocol(t *testing.T) {
	st := open(t, empty(t)+"&default_query_exec_mode=simple_protocol")
	storetest.Run(t, func(t *testing.T) store.Store {
		exec(t, st.DB(), `TRUNCATE keystile_credentials`)
		return st
	}, storetest.Fill(suite.Fill))
}
