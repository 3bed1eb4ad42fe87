package sqlstore_test

import (
	"testing"

	"github.com/keystile/keystile/internal/zero"
	"github.com/keystile/keystile/store/sqlstore"
)

// B8: a Store that neither New nor Tx has made says so.
func TestZeroStore(t *testing.T) {
	const says = "sqlstore: the Store was not made by New"
	works := []string{"Format", "Tx"}
	zero.Refuses(t, says, works, new(sqlstore.Store), (*sqlstore.Store)(nil))
	zero.Refuses(t, says, works, new(sqlstore.Store).Tx(nil), (*sqlstore.Store)(nil).Tx(nil))
}
