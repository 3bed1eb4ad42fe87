package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func rotateChecks() []check {
	return []check{
		{"rotate-ends-the-old-and-adds-the-new", "half a rotation leaves the owner with no credential, or with two that both last", rotateReplaces},
		{"rotate-without-overlap", "without an overlap, the old credential must end at once", rotateWithoutOverlap},
		{"rotate-never-extends", "a rotation that extends the old credential keeps a leaked one valid", rotateNeverExtends},
		{"rotate-bounds-what-never-expires", "a credential without an expiry must end after its rotation, too", rotateBoundsUnlimited},
		{"rotate-until-never-keeps-the-expiry", "a zero until must not replace the expiry, or a short-lived credential never expires", rotateUntilNever},
		{"rotate-is-judged-at-creation", "the store must judge expiry at next.CreatedAt; if it uses its own clock, it may disagree with the caller", rotateIsJudgedAtCreation},
		{"rotate-needs-no-room", "an account at its limit must still be able to rotate its credentials", rotateNeedsNoRoom},
		{"rotate-refuses-zero-time", "a zero RotatedAt means not rotated, so the credential could be rotated again and its reuse would go unnoticed", rotateRefusesZero},
		{"rotate-keeps-the-subject", "a rotation to another subject gives one account's credential to another", rotateKeepsSubject},
		{"rotate-chain-is-one-family", "after a theft, the whole rotation chain must be found and revoked", rotateChain},
	}
}

func rotateReplaces(p *probe) {
	old := full()
	old.RotatedAt, old.RevokedAt = time.Time{}, time.Time{}
	next := full() // only its subject must be that of old
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
	// Expired now, but not at the time of the rotation.
	old := expired()
	next := successor(old)
	p.insert(old)
	p.rotate(old.ID, old.ExpiresAt, next, nil)
	p.rows(rotated(old, next, old.ExpiresAt), next)
	// Active now, but expired at the time of the rotation.
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
	p.insertLimit(cs[2], 2, store.ErrLimit) // next counts afterwards
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
