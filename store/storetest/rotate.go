package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func rotateChecks() []check {
	return []check{
		{"rotate-ends-the-old-and-adds-the-new", "half a rotation leaves its owner without a credential, or with two that last", rotateReplaces},
		{"rotate-without-overlap", "where no overlap was asked for, the old credential ends at that moment", rotateWithoutOverlap},
		{"rotate-never-extends", "a rotation that lengthens the old one's life makes a leaked credential last", rotateNeverExtends},
		{"rotate-bounds-what-never-expires", "after its rotation even a credential without an expiry must end", rotateBoundsUnlimited},
		{"rotate-until-never-keeps-the-expiry", "the zero time means never: taken for an expiry it turns a short-lived credential into an everlasting one", rotateUntilNever},
		{"rotate-is-judged-at-creation", "the successor's own time decides; a store that asks its clock disagrees with the caller about what has expired", rotateIsJudgedAtCreation},
		{"rotate-needs-no-room", "an account at its limit must be able to renew what it has", rotateNeedsNoRoom},
		{"rotate-refuses-zero-time", "a credential that was rotated at no time does not count as rotated: it is rotated again, and its reuse goes unnoticed", rotateRefusesZero},
		{"rotate-keeps-the-subject", "a rotation to another subject gives one account's credential to another", rotateKeepsSubject},
		{"rotate-chain-is-one-family", "the whole chain has to be found to be revoked when one of it was stolen", rotateChain},
	}
}

func rotateReplaces(p *probe) {
	old := full()
	old.RotatedAt, old.RevokedAt = time.Time{}, time.Time{}
	next := full() // as it is given, whatever it has in common with old
	next.Subject, next.Family, next.Name = old.Subject, old.Family, "renewed"
	next.CreatedAt = old.CreatedAt.Add(time.Minute + time.Microsecond)
	other := credential()
	p.insert(old, other)
	until := next.CreatedAt.Add(overlap)
	p.rotate(old.ID, until, next, nil)
	p.rows(rotated(old, next, until), next, other)
	q := own(old)
	q.ClientID = old.ClientID
	p.list(q, old)
	q.ClientID = next.ClientID
	p.list(q, next)
}

func rotateWithoutOverlap(p *probe) {
	old := credential()
	next := successor(old)
	p.insert(old)
	p.rotate(old.ID, next.CreatedAt, next, nil)
	p.rows(rotated(old, next, next.CreatedAt), next)
	p.list(store.Query{Kind: store.KindToken, Subject: old.Subject, Active: true}, next)
}

func rotateNeverExtends(p *probe) {
	for _, later := range []time.Duration{time.Microsecond, time.Hour, 365 * 24 * time.Hour} {
		old := credential()
		next := successor(old)
		p.insert(old)
		p.rotate(old.ID, old.ExpiresAt.Add(later), next, nil)
		p.rows(rotated(old, next, old.ExpiresAt), next)
	}
	old := credential()
	next := successor(old)
	sooner := old.ExpiresAt.Add(-time.Microsecond)
	p.insert(old)
	p.rotate(old.ID, sooner, next, nil)
	p.rows(rotated(old, next, sooner), next)
}

func rotateBoundsUnlimited(p *probe) {
	old := credential()
	old.ExpiresAt = time.Time{}
	next := successor(old)
	next.ExpiresAt = time.Time{}
	until := next.CreatedAt.Add(overlap)
	p.insert(old)
	p.rotate(old.ID, until, next, nil)
	p.rows(rotated(old, next, until), next)
}

func rotateUntilNever(p *probe) {
	old := credential()
	next := successor(old)
	p.insert(old)
	p.rotate(old.ID, time.Time{}, next, nil)
	p.rows(rotated(old, next, old.ExpiresAt), next)
}

func rotateIsJudgedAtCreation(p *probe) {
	// Expired by now, but not when it was replaced.
	old := expired()
	next := successor(old)
	p.insert(old)
	p.rotate(old.ID, old.ExpiresAt, next, nil)
	p.rows(rotated(old, next, old.ExpiresAt), next)
	// Good for hours, but not until it is to be replaced.
	old = credential()
	next = successor(old)
	next.CreatedAt = old.ExpiresAt.Add(time.Hour)
	next.ExpiresAt = old.ExpiresAt.Add(2 * time.Hour)
	p.insert(old)
	p.rotate(old.ID, old.ExpiresAt, next, store.ErrConflict)
	p.rows(old)
	p.gone(next)
}

func rotateNeedsNoRoom(p *probe) {
	cs := credentials(4)
	p.insertLimit(cs[0], 2, nil)
	p.insertLimit(cs[1], 2, nil)
	next := successor(cs[1])
	p.rotateLimits(cs[1].ID, cs[1].ExpiresAt, next, store.Limits{Active: 1, EndOldest: true}, nil)
	p.rows(cs[0], rotated(cs[1], next, cs[1].ExpiresAt), next)
	p.insertLimit(cs[2], 2, store.ErrLimit) // but it counts
	p.insertLimit(cs[3], 3, nil)
}

func rotateRefusesZero(p *probe) {
	old := credential()
	p.insert(old)
	for _, at := range zeroTimes() {
		if p.err != nil {
			return
		}
		next := successor(old)
		next.CreatedAt = at
		p.mistaken("Rotate with a zero next.CreatedAt", p.st.Rotate(p.ctx, old.ID, old.ExpiresAt, next.Clone(), store.Limits{}))
		p.rows(old)
		p.gone(next)
	}
}

func rotateKeepsSubject(p *probe) {
	old, other := credential(), credential()
	next := successor(old)
	next.Subject = other.Subject
	p.insert(old, other)
	p.mistaken("Rotate to another subject", p.st.Rotate(p.ctx, old.ID, old.ExpiresAt, next.Clone(), store.Limits{}))
	p.rows(old, other)
	p.gone(next)
}

func rotateChain(p *probe) {
	chain := []*store.Credential{credential()}
	p.insert(chain[0], credential())
	for i := range 3 {
		next := successor(chain[i])
		until := next.CreatedAt.Add(overlap)
		p.rotate(chain[i].ID, until, next, nil)
		chain[i] = rotated(chain[i], next, until)
		chain = append(chain, next)
	}
	p.rows(chain...)
	newest := slices.Clone(chain)
	slices.Reverse(newest)
	p.list(own(chain[0]), newest...)
	at := newest[0].CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{Subject: chain[0].Subject, Family: chain[0].ID}, at, chain...)
	for i, c := range chain {
		chain[i] = revoked(c, at)
	}
	p.rows(chain...)
}
