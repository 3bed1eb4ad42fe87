// Package storetest proves that a [store.Store] keeps its contract.
//
// A store that loses a revocation, counts a limit twice or takes an outage for
// an unknown credential is a hole in every service that relies on it, and few
// of these faults show in daily use. So every store, those of this module and
// those of its users, is held to one list of checks. One test is enough:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return openEmpty(t) // and t.Cleanup closes it
//		})
//	}
//
// Each check is a subtest with a store of its own. Its name says what is
// checked, and where it fails it also says why that matters:
//
//	go test -race -run 'TestStore/find-compares-whole-digest'
//
// Some checks make many calls at once; run the suite with -race. A store that is
// a [store.Watcher] is held to that contract, too. What no suite
// can arrange is left to the store's own tests: a server that dies, a full disk,
// a second process.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// timeout bounds one check. It is generous, for servers far away: a check makes
// a few hundred calls at most.
const timeout = 30 * time.Second

// Run checks the stores that open returns, each check in a subtest of t.
//
// Run calls open once for each check, within its subtest, so that open may use
// [testing.T.Cleanup] and [testing.T.Fatal]. Each call must return a store that
// is empty: a store of its own, or one that has been emptied. Checks run one
// after the other, so these may be the same.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			st := open(t)
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if err := c.try(ctx, st); err != nil {
				t.Error(c.failure(err))
			}
		})
	}
}

// A check is one promise of the contract. It is a function of its probe alone,
// not of a [testing.T], so that the suite can be tested: on stores with a fault.
type check struct {
	name string
	why  string // what goes wrong where the promise is broken
	run  func(p *probe)
}

// try runs c on an empty store and returns what is wrong with that, or nil.
func (c check) try(ctx context.Context, st store.Store) error {
	p := &probe{ctx: ctx, st: st}
	c.run(p)
	return p.err
}

// failure is the message of a check that returned err.
func (c check) failure(err error) string {
	return fmt.Sprintf("%v\nwhy it matters: %s", err, c.why)
}

// checks returns every check, the simple ones first.
func checks() []check {
	return slices.Concat(
		lookupChecks(),
		exactChecks(),
		timeChecks(),
		copyChecks(),
		limitChecks(),
		listChecks(),
		pageChecks(),
		revokeChecks(),
		rotateChecks(),
		conflictChecks(),
		touchChecks(),
		pruneChecks(),
		cancelChecks(),
		raceChecks(),
		readerChecks(),
		watchChecks(),
	)
}
