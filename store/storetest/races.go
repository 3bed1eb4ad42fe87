package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// A fault in these checks shows only if calls happen to overlap, so each check is
// repeated: often if it makes few calls, and a few times if it makes many.
const (
	rounds = 25
	crowds = 3
)

func raceChecks() []check {
	return []check{
		{"concurrent-rotate-has-one-winner", "if one credential has two successors, one of them may be in the hands of a thief", repeat(crowds, raceRotate)},
		{"concurrent-insert-of-one-digest", "if two rows have the same digest, revoking one leaves the other valid", repeat(crowds, raceDigest)},
		{"concurrent-insert-of-one-id", "if two rows have the same ID, revoking one leaves the other valid", repeat(crowds, raceID)},
		{"concurrent-touch-keeps-the-latest", "the owner needs to see the latest use", repeat(crowds, raceTouch)},
		{"concurrent-touch-cannot-undo-prune", "a use that is reported while its row is deleted must not restore the row", repeat(rounds, raceTouchPrune)},
	}
}

// repeat returns a check that is run n times, or until it fails.
func repeat(n int, run func(*probe)) func(*probe) {
	return func(p *probe) {
		for i := 0; i < n && p.err == nil; i++ {
			run(p)
		}
	}
}

// together calls f(0) to f(n-1) at the same time and returns their errors, in
// that order.
func (p *probe) together(calls string, n int, f func(i int) error) []error {
	p.wrote = fmt.Sprintf("%d calls at once of %s", n, calls)
	errs := make([]error, n)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// winners checks that n of the errors are nil and all others are refused. It returns
// the indices of those that are nil.
func (p *probe) winners(errs []error, n int, refused error) []int {
	var won []int
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, i)
		case !errors.Is(err, refused):
			p.failf("%s: one returned %v, want no error or %v", p.wrote, err, refused)
		}
	}
	if len(won) != n {
		p.failf("%s: %d succeeded, want %d", p.wrote, len(won), n)
	}
	return won
}

// succeed checks that all of the errors are nil.
func (p *probe) succeed(errs []error) {
	for _, err := range errs {
		if err != nil {
			p.failf("%s: one returned %v, want no error", p.wrote, err)
		}
	}
}

// insertAll inserts all of cs at once, checks that n succeed, and returns those.
func (p *probe) insertAll(cs []*store.Credential, l store.Limits, n int, refused error) []*store.Credential {
	errs := p.together("Insert", len(cs), func(i int) error {
		_, err := p.st.Insert(p.ctx, cs[i].Clone(), l)
		return err
	})
	var won []*store.Credential
	for _, i := range p.winners(errs, n, refused) {
		won = append(won, cs[i])
	}
	p.rows(won...)
	return won
}

func raceRotate(p *probe) {
	old := credential()
	p.insert(old)
	nexts := make([]*store.Credential, 64)
	for i := range nexts {
		nexts[i] = successor(old)
	}
	until := nexts[0].CreatedAt.Add(overlap)
	errs := p.together("Rotate", len(nexts), func(i int) error { return p.st.Rotate(p.ctx, old.ID, until, nexts[i].Clone(), store.Limits{}) })
	for _, i := range p.winners(errs, 1, store.ErrConflict) {
		p.rows(rotated(old, nexts[i], until), nexts[i])
		p.list(own(old), nexts[i], old)
		p.gone(slices.Delete(slices.Clone(nexts), i, i+1)...)
	}
}

func raceDigest(p *probe) {
	cs := credentials(50)
	for _, c := range cs {
		c.Digest = cs[0].Digest
	}
	won := p.insertAll(cs, store.Limits{}, 1, store.ErrExists)
	p.list(own(cs[0]), won...)
}

func raceID(p *probe) {
	cs := credentials(50)
	for _, c := range cs {
		c.ID = cs[0].ID
	}
	won := p.insertAll(cs, store.Limits{}, 1, store.ErrExists)
	p.list(own(cs[0]), won...)
}

func raceTouch(p *probe) {
	c := credential()
	p.insert(c)
	at := func(i int) time.Time { return c.CreatedAt.Add(time.Duration(i) * time.Microsecond) }
	errs := p.together("Touch", 64, func(i int) error { return p.st.Touch(p.ctx, []store.Use{{ID: c.ID, At: at(i), Addr: usedFrom}}) })
	p.succeed(errs)
	p.rows(touched(c, at(63)))
}

func raceTouchPrune(p *probe) {
	c := expired()
	p.insert(c)
	before := c.ExpiresAt.Add(time.Second)
	errs := p.together("Touch and Prune", 4, func(i int) error {
		if i == 0 {
			_, err := p.st.Prune(p.ctx, store.PruneBefore{Ended: before, Rotated: before})
			return err
		}
		return p.st.Touch(p.ctx, []store.Use{{ID: c.ID, At: c.ExpiresAt.Add(time.Duration(i) * time.Second)}})
	})
	p.succeed(errs)
	p.gone(c)
}
