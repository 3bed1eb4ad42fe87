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
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// timeout bounds one check. It is generous, for servers far away: most checks make
// a few hundred calls.
const timeout = 2 * time.Minute

// An Option changes how [Run] uses the stores.
type Option func(*options)

type options struct {
	subject func(t *testing.T) string
	fill    func(ctx context.Context, st store.Store, rows []*store.Credential) error
}

// Subjects makes next supply the subject of each account, for a table whose
// subjects are not any text: integers, or references to rows of another table,
// which next inserts. It is called once for each account and must return a new
// subject each time.
func Subjects(next func(t *testing.T) string) Option {
	return func(o *options) { o.subject = next }
}

// Fill makes fill insert the 20 000 rows of an account with a long history, where
// one call of Insert for each takes too long. They are those of one account, and
// none of them is active.
func Fill(fill func(ctx context.Context, st store.Store, rows []*store.Credential) error) Option {
	return func(o *options) { o.fill = fill }
}

// Run checks the stores that open returns, each check in a subtest of t.
//
// Run calls open once for each check, within its subtest, so that open may use
// [testing.T.Cleanup] and [testing.T.Fatal]. Each call must return a store that
// is empty: a store of its own, or one that has been emptied. Checks run one
// after the other, so these may be the same. A check of an optional interface that
// the store does not have is skipped, and so is the check of long histories under
// the flag -short.
func Run(t *testing.T, open func(t *testing.T) store.Store, opts ...Option) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "bounded-") && testing.Short() {
				t.Skip("it takes long: leave out -short")
			}
			st := open(t)
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			p := &probe{ctx: ctx, st: st, given: st, fillWith: o.fill}
			if o.subject != nil {
				p.st = translate(st, func() string { return o.subject(t) })
			}
			c.run(p)
			switch {
			case p.err != nil:
				t.Error(c.failure(p.err))
			case p.skip != "":
				t.Skipf("%T is no %s", st, p.skip)
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
	p := &probe{ctx: ctx, st: st, given: st}
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
		updateChecks(),
		rotateChecks(),
		conflictChecks(),
		touchChecks(),
		pruneChecks(),
		eraseChecks(),
		scanChecks(),
		boundedChecks(),
		cancelChecks(),
		raceChecks(),
		raceLimitChecks(),
		raceRevokeChecks(),
		readerChecks(),
		watchChecks(),
	)
}
