package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// It takes an unlucky moment for these to fail, and so several tries: many of a
// few calls, a few of many.
const (
	rounds = 25
	crowds = 3
)

func raceChecks() []check {
	return []check{
		{"concurrent-rotate-has-one-winner", "two successors of one credential: one of them is a thief's", repeat(crowds, raceRotate)},
		{"concurrent-insert-keeps-the-limit", "whoever sends many requests at once gets round a limit that is counted first and used later", repeat(crowds, raceLimit)},
		{"concurrent-insert-of-one-digest", "of two rows with one digest, revoking one leaves the other", repeat(crowds, raceDigest)},
		{"concurrent-insert-of-one-id", "of two rows with one ID, revoking one leaves the other", repeat(crowds, raceID)},
		{"concurrent-revoke-reports-once", "each revocation is one event: reported twice it is alarming, reported never it is missed", repeat(rounds, raceRevoke)},
		{"concurrent-rotate-cannot-escape-revoke", "a thief who keeps rotating must not get past the revocation of the family", repeat(rounds, raceRotateRevoke)},
		{"concurrent-touch-cannot-undo-revoke", "a row that was read before the revocation and written after it is a credential back from the dead", repeat(rounds, raceTouchRevoke)},
		{"concurrent-touch-keeps-the-latest", "the latest use is the one that its owner needs to see", repeat(crowds, raceTouch)},
		{"concurrent-touch-cannot-undo-prune", "a use that is reported while its row is deleted must not bring that back", repeat(rounds, raceTouchPrune)},
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

// winners wants n of the errors to be nil and all others to be refused. It
// returns the indices of those that are nil.
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

// succeed wants none of the errors.
func (p *probe) succeed(errs []error) {
	for _, err := range errs {
		if err != nil {
			p.failf("%s: one returned %v, want no error", p.wrote, err)
		}
	}
}

// insertAll inserts all of cs at once, wants n to succeed, and returns those.
func (p *probe) insertAll(cs []*store.Credential, limit, n int, refused error) []*store.Credential {
	errs := p.together("Insert", len(cs), func(i int) error { return p.st.Insert(p.ctx, cs[i].Clone(), limit) })
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
	errs := p.together("Rotate", len(nexts), func(i int) error { return p.st.Rotate(p.ctx, old.ID, until, nexts[i].Clone()) })
	for _, i := range p.winners(errs, 1, store.ErrConflict) {
		p.rows(rotated(old, nexts[i], until), nexts[i])
		p.list(store.Filter{Family: old.Family}, nexts[i], old)
		p.gone(slices.Delete(slices.Clone(nexts), i, i+1)...)
	}
}

func raceLimit(p *probe) {
	const limit = 5
	cs := credentials(50)
	won := p.insertAll(cs, limit, limit, store.ErrLimit)
	slices.Reverse(won)
	p.list(store.Filter{Subject: cs[0].Subject}, won...)
}

func raceDigest(p *probe) {
	cs := credentials(50)
	for _, c := range cs {
		c.Digest = cs[0].Digest
	}
	won := p.insertAll(cs, 0, 1, store.ErrExists)
	p.list(store.Filter{Subject: cs[0].Subject}, won...)
}

func raceID(p *probe) {
	cs := credentials(50)
	for _, c := range cs {
		c.ID = cs[0].ID
	}
	won := p.insertAll(cs, 0, 1, store.ErrExists)
	p.list(store.Filter{Subject: cs[0].Subject}, won...)
}

func raceRevoke(p *probe) {
	c := credential()
	p.insert(c)
	changed := make([]int, 8)
	at := func(i int) time.Time { return c.CreatedAt.Add(time.Duration(i) * time.Minute) }
	errs := p.together("Revoke", len(changed), func(i int) error {
		digests, err := p.st.Revoke(p.ctx, store.Filter{Subject: c.Subject}, at(i))
		changed[i] = len(digests)
		return err
	})
	p.succeed(errs)
	reported := 0
	for i, n := range changed {
		reported += n
		if n > 0 {
			p.rows(revoked(c, at(i)))
		}
	}
	if reported != 1 {
		p.failf("%s: they returned %d digests of one credential, want 1", p.wrote, reported)
	}
}

func raceRotateRevoke(p *probe) {
	c := credential()
	next := successor(c)
	p.insert(c)
	var digests []store.Digest
	errs := p.together("Rotate and Revoke", 2, func(i int) (err error) {
		if i == 0 {
			return p.st.Rotate(p.ctx, c.ID, c.ExpiresAt, next.Clone())
		}
		digests, err = p.st.Revoke(p.ctx, store.Filter{Family: c.Family}, next.CreatedAt)
		return err
	})
	p.expect("Revoke", errs[1], nil)
	p.list(store.Filter{Family: c.Family, Active: true})
	if errs[0] == nil { // rotated first
		p.rows(revoked(rotated(c, next, c.ExpiresAt), next.CreatedAt), revoked(next, next.CreatedAt))
		p.digests("Revoke after Rotate", digests, c, next)
	} else { // revoked first
		p.expect("Rotate after Revoke", errs[0], store.ErrConflict)
		p.rows(revoked(c, next.CreatedAt))
		p.gone(next)
		p.digests("Revoke before Rotate", digests, c)
	}
}

func raceTouchRevoke(p *probe) {
	c := credential()
	p.insert(c)
	at := func(i int) time.Time { return c.CreatedAt.Add(time.Duration(i) * time.Second) }
	errs := p.together("Touch and Revoke", 8, func(i int) error {
		if i == 0 {
			_, err := p.st.Revoke(p.ctx, store.Filter{ID: c.ID}, at(60))
			return err
		}
		return p.st.Touch(p.ctx, c.ID, at(i))
	})
	p.succeed(errs)
	p.rows(revoked(touched(c, at(7)), at(60)))
}

func raceTouch(p *probe) {
	c := credential()
	p.insert(c)
	at := func(i int) time.Time { return c.CreatedAt.Add(time.Duration(i) * time.Microsecond) }
	errs := p.together("Touch", 64, func(i int) error { return p.st.Touch(p.ctx, c.ID, at(i)) })
	p.succeed(errs)
	p.rows(touched(c, at(63)))
}

func raceTouchPrune(p *probe) {
	c := expired()
	p.insert(c)
	errs := p.together("Touch and Prune", 4, func(i int) error {
		if i == 0 {
			_, err := p.st.Prune(p.ctx, c.ExpiresAt.Add(time.Second))
			return err
		}
		err := p.st.Touch(p.ctx, c.ID, c.ExpiresAt.Add(time.Duration(i)*time.Second))
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted first
		}
		return err
	})
	p.succeed(errs)
	p.gone(c)
}
