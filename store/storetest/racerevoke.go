package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

func raceRevokeChecks() []check {
	return []check{
		{"concurrent-revoke-reports-once", "each revocation is one event and must be reported exactly once", repeat(rounds, raceRevoke)},
		{"concurrent-rotate-cannot-escape-revoke", "a thief who keeps rotating a credential must not escape the revocation of its family", repeat(rounds, raceRotateRevoke)},
		{"concurrent-touch-cannot-undo-revoke", "writing back a row that was read before a revocation makes the credential valid again", repeat(rounds, raceTouchRevoke)},
		{"concurrent-chain-cannot-escape-revoke", "a thief who keeps rotating a credential must not stay ahead of the revocation", repeat(rounds, raceChain)},
		{"concurrent-update-cannot-undo-revoke", "writing back a row that was read before a revocation makes the credential valid again", repeat(rounds, raceUpdateRevoke)},
	}
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
			return p.st.Rotate(p.ctx, c.ID, c.ExpiresAt, next.Clone(), store.Limits{})
		}
		digests, err = p.st.Revoke(p.ctx, store.Filter{Subject: c.Subject, Family: c.Family}, next.CreatedAt)
		return err
	})
	p.expect("Revoke", errs[1], nil)
	active := own(c)
	active.Active = true
	p.list(active)
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
		return p.st.Touch(p.ctx, []store.Use{{ID: c.ID, At: at(i), Addr: usedFrom}})
	})
	p.succeed(errs)
	p.rows(revoked(touched(c, at(7)), at(60)))
}

func raceUpdateRevoke(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	names := []string{"", "a", "b", "c"}
	errs := p.together("Update and Revoke", len(names), func(i int) error {
		if i == 0 {
			_, err := p.st.Revoke(p.ctx, store.Filter{Subject: c.Subject}, at)
			return err
		}
		_, err := p.st.Update(p.ctx, c.ID, store.Changes{Name: &names[i]})
		return err
	})
	p.succeed(errs)
	got, err := p.st.Get(p.ctx, c.ID)
	p.expect("Get", err, nil)
	if got != nil {
		c.Name = got.Name // any of the names may be the last
	}
	p.rows(revoked(c, at))
}

// raceChain rotates a credential again and again while its account revokes
// everything. When Revoke returns, no credential of the chain is active, and none
// can become active later.
func raceChain(p *probe) {
	c := credential()
	p.insert(c)
	at := time.Now().UTC().Truncate(time.Microsecond)
	began := make(chan struct{})
	var revoked atomic.Bool // Revoke has returned
	errs := p.together("Rotate, of each successor, and Revoke", 2, func(i int) error {
		if i == 1 {
			<-began
			defer revoked.Store(true)
			_, err := p.st.Revoke(p.ctx, store.Filter{Subject: c.Subject}, at)
			return err
		}
		begin := sync.OnceFunc(func() { close(began) })
		defer begin()
		for n, old := 0, c; ; n++ {
			next := successor(old)
			next.CreatedAt = at
			after := revoked.Load()
			err := p.st.Rotate(p.ctx, old.ID, old.ExpiresAt, next.Clone(), store.Limits{})
			switch {
			case errors.Is(err, store.ErrConflict):
				return nil // revoked
			case err != nil:
				return err
			case after:
				return errors.New("no error for a rotation that began after Revoke had returned")
			case n == 2:
				begin()
			}
			old = next
		}
	})
	p.expect("Revoke", errs[1], nil) // checked first: if Revoke failed, rotations may succeed
	p.succeed(errs)
	q := own(c)
	q.Active = true
	p.list(q)
}
