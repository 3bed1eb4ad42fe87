// Package storetest checks that a [store.Store] keeps its contract.
//
// A store that loses a revocation, exceeds a limit or reports an outage as an
// unknown credential makes every service on it insecure, and such faults rarely
// show in daily use. So all stores, those of keystile and your own, run the same
// checks. One test is enough:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return openEmpty(t) // and t.Cleanup closes it
//		})
//	}
//
// Each check is a subtest with a store of its own, named after the promise that it
// checks. If it fails, it reports why the promise matters. To run one check:
//
//	go test -race -run 'TestStore/find-compares-whole-digest'
//
// Some checks make many calls at once; run the suite with -race. A store that
// implements [store.Watcher], [store.Notifier] or [store.Scanner] is checked for
// these, too. Test yourself what no suite can simulate: a server that fails, a full
// disk, a second process.
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

// timeout bounds one check. Most checks make a few hundred calls, and the server may
// be far away.
const timeout = 2 * time.Minute

// An Option changes how [Run] uses the stores.
type Option func(*options)

type options struct {
	subject func(t *testing.T) string
	fill    func(ctx context.Context, st store.Store, rows []*store.Credential) error
}

// Subjects makes the checks use the subjects that next returns. Use it if a subject
// of your table cannot be any text, because it is an integer or references a row of
// another table; then next inserts that row. It is called once for each account and
// must return a new subject each time.
func Subjects(next func(t *testing.T) string) Option {
	return func(o *options) { o.subject = next }
}

// Fill makes fill insert the 20 000 rows of an account with a long history. Use it if
// calling Insert for each takes too long. All rows belong to one account, and none of
// them is active.
func Fill(fill func(ctx context.Context, st store.Store, rows []*store.Credential) error) Option {
	return func(o *options) { o.fill = fill }
}

// Run checks the stores that open returns, each check in a subtest of t.
//
// Run calls open once for each check, within its subtest, so that open may use
// [testing.T.Cleanup] and [testing.T.Fatal]. Each call must return an empty store.
// Checks run one after the other, so open may empty one database and reuse it. Checks
// of an optional interface that the store does not implement are skipped. With the
// flag -short, so is the check of a long history.
func Run(t *testing.T, open func(t *testing.T) store.Store, opts ...Option) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "bounded-") && testing.Short() {
				t.Skip("takes long; run without -short")
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
				t.Skipf("%T does not implement %s", st, p.skip)
			}
		})
	}
}

// A check tests one promise of the contract. It uses only its probe, and no
// [testing.T], so that the tests of this package can run it on faulty stores.
type check struct {
	name string
	why  string // the harm if the promise is broken
	run  func(p *probe)
}

// try runs c on an empty store and returns its failure, or nil.
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
