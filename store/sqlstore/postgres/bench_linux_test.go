package postgres_test

import (
	"testing"

	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

func BenchmarkFind(b *testing.B) {
	d := engine.Database(b)
	d.Filled(b)
	find, driver := suite.Lookups(b, open(b, d.DSN), d.DB, `SELECT * FROM keystile_credentials WHERE digest = $1 AND kind = $2`)
	suite.CompareFind(b, find, driver)
}
