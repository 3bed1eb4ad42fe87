package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func conflictChecks() []check {
	return []check{
		{"rotate-once-only", "if one credential has two successors, one of them may be in the hands of a thief", rotateOnce},
		{"rotate-refuses-revoked", "a thief who can rotate a revoked credential undoes the revocation", rotateRefusesRevoked},
		{"rotate-refuses-expired", "a client that can rotate an expired credential never needs to authenticate again", rotateRefusesExpired},
		{"rotate-until-the-last-moment", "a credential is valid, and can be rotated, up to its last microsecond", rotateUntilLastMoment},
		{"rotate-refuses-taken-id", "a successor that overwrites another credential takes it from its owner", rotateRefusesTakenID},
		{"rotate-refuses-taken-digest", "a successor that overwrites another credential takes it from its owner", rotateRefusesTakenDigest},
		{"rotate-unknown-is-not-found", "a successor of no credential belongs to no account", rotateUnknown},
	}
}

// refused checks that Rotate refuses to replace old by next, and changes nothing.
func (p *probe) refused(old, next *store.Credential, want error) {
	p.rotate(old.ID, next.CreatedAt.Add(overlap), next, want)
	p.rows(old)
	p.gone(next)
}

func rotateOnce(p *probe) {
	old := credential()
	next := successor(old)
	until := next.CreatedAt.Add(overlap)
	p.insert(old)
	p.rotate(old.ID, until, next, nil)
	for _, after := range []time.Duration{0, time.Minute, time.Hour} {
		again := successor(old)
		again.CreatedAt = next.CreatedAt.Add(after) // within the overlap, and after it
		p.refused(rotated(old, next, until), again, store.ErrConflict)
	}
	p.rows(next)
}

func rotateRefusesRevoked(p *probe) {
	for _, expires := range []bool{true, false} {
		old := credential()
		if !expires {
			old.ExpiresAt = time.Time{}
		}
		p.insert(old)
		at := old.CreatedAt.Add(time.Second)
		p.revoke(store.Filter{ID: old.ID}, at, old)
		p.refused(revoked(old, at), successor(old), store.ErrConflict)
	}
}

func rotateRefusesExpired(p *probe) {
	for _, ago := range []time.Duration{0, time.Microsecond, time.Hour} {
		old := credential()
		next := successor(old)
		old.ExpiresAt = next.CreatedAt.Add(-ago)
		p.insert(old)
		p.refused(old, next, store.ErrConflict)
	}
}

func rotateUntilLastMoment(p *probe) {
	old := credential()
	next := successor(old)
	old.ExpiresAt = next.CreatedAt.Add(time.Microsecond)
	p.insert(old)
	p.rotate(old.ID, next.CreatedAt.Add(overlap), next, nil)
	p.rows(rotated(old, next, old.ExpiresAt), next)
}

func rotateRefusesTakenID(p *probe) {
	old, other := credential(), credential()
	p.insert(old, other)
	for _, taken := range []*store.Credential{other, old} {
		next := successor(old)
		next.ID = taken.ID
		p.rotate(old.ID, next.CreatedAt.Add(overlap), next, store.ErrExists)
		p.rows(old, other)
		p.findNotFound(next.Kind, next.Digest)
	}
	p.list(own(old), old)
}

func rotateRefusesTakenDigest(p *probe) {
	old, other := credential(), credential()
	other.Kind = store.KindSecret
	p.insert(old, other)
	for _, taken := range []*store.Credential{other, old} {
		next := successor(old)
		next.Digest = taken.Digest
		p.rotate(old.ID, next.CreatedAt.Add(overlap), next, store.ErrExists)
		p.rows(old, other)
		p.getNotFound(next.ID)
	}
	p.list(own(old), old)
}

func rotateUnknown(p *probe) {
	for range 2 {
		unknown := credential()
		next := successor(unknown)
		p.rotate(unknown.ID, next.CreatedAt.Add(overlap), next, store.ErrNotFound)
		p.rotate("", next.CreatedAt.Add(overlap), next, store.ErrNotFound)
		p.gone(unknown, next)
		p.insert(credential()) // and try again in a store that is not empty
	}
}
