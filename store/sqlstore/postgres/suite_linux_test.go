package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/storetest"
)

// engine is PostgreSQL with a pool like that of an application.
var engine = suite.Engine{
	Dialect: sqlstore.PostgreSQL,
	Create:  empty,
	Open:    pool,
	New: func(cfg sqlstore.Config) (*sqlstore.Store, error) {
		st, err := postgres.New(cfg)
		if err != nil {
			return nil, err
		}
		return st.Store, nil
	},
}

func TestSuite(t *testing.T) { suite.Run(t, engine) }

func TestManyLive(t *testing.T) { engine.ManyLive(t) }

// The same tests through database/sql, for drivers that cannot send several
// statements at once. A transaction of the application never does.
func TestSuiteWithoutPipeline(t *testing.T) {
	e := engine
	e.New = sqlstore.New
	suite.RunWithoutTx(t, e)
}

// The whole contract. R1 R3 R4 R6 R8 R10 R11 R16 B9 B15
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, empty(t)) }, storetest.Fill(suite.Fill))
}
