package storetest

import (
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

func lookupChecks() []check {
	return []check{
		{"insert-keeps-every-field", "the row decides what a credential may do; losing a network or an expiry widens that", keepsEveryField},
		{"insert-keeps-empty-fields", "a scope that is the empty string differs from no scope, and an unset time means never", keepsEmptyFields},
		{"find-unknown-is-not-found", "requests with unknown credentials are common; they must be refused, and not treated as an outage", findUnknown},
		{"get-unknown-is-not-found", "by this error a page distinguishes a wrong ID from an outage", getUnknown},
		{"find-after-a-miss", "a credential that was looked up before it was issued must be accepted afterwards", findAfterMiss},
		{"find-compares-whole-digest", "a store that compares only part of the digest accepts plaintexts that were never issued", findComparesWholeDigest},
		{"digests-that-start-alike-are-kept-apart", "a store that indexes only part of the digest can confuse credentials of different accounts", keepsNearDigestsApart},
		{"find-keeps-kinds-apart", "a client secret that is accepted as a token, or the reverse, escapes the rules of its kind", findKeepsKindsApart},
		{"find-returns-expired", "the caller decides validity; if the store hides the row, an expired credential is reported as unknown", findReturnsExpired},
		{"find-returns-revoked", "the caller decides validity; the use of a revoked credential is a sign of theft that must be reported", findReturnsRevoked},
		{"digest-is-unique-across-kinds", "if one plaintext belongs to two rows, revoking one leaves the other valid", digestIsUnique},
		{"id-is-unique", "credentials are revoked by ID; if two have the same ID, one stays valid", idIsUnique},
		{"refused-insert-changes-nothing", "an insert that overwrites a row gives one account's credential to another", refusedInsertChangesNothing},
	}
}

func keepsEveryField(p *probe) {
	c := full()
	p.insert(credential(), c, credential())
	p.rows(c)
}

func keepsEmptyFields(p *probe) {
	c := credential()
	c.Name, c.Scopes, c.Family, c.ExpiresAt = "", nil, "", time.Time{}
	p.insert(full(), c)
	p.rows(c)
}

func findUnknown(p *probe) {
	p.gone(credential()) // while the store is empty
	p.insert(credential(), full())
	unknown := credential()
	p.gone(unknown)
	unknown.Digest = store.Digest{}
	p.gone(unknown)
}

func getUnknown(p *probe) {
	p.insert(credential())
	p.getNotFound(credential().ID)
	for _, id := range []string{"", "%", "*", "\x00", "a\x00b", "\xff", "' OR 1=1 --", strings.Repeat("a", 4096)} {
		p.getNotFound(id) // IDs come from URLs
	}
}

func findAfterMiss(p *probe) {
	c := credential()
	p.gone(c)
	p.insert(c)
	p.rows(c)
	next := successor(c)
	p.gone(next)
	p.rotate(c.ID, c.ExpiresAt, next, nil)
	p.rows(next)
}

func findComparesWholeDigest(p *probe) {
	c := credential()
	p.insert(c)
	for i := range c.Digest {
		for _, bit := range []byte{0x01, 0x80} {
			d := c.Digest
			d[i] ^= bit
			p.findNotFound(c.Kind, d)
		}
	}
	p.rows(c)
}

func keepsNearDigestsApart(p *probe) {
	for i := range len(store.Digest{}) {
		a, b := credential(), credential()
		b.Digest = a.Digest
		b.Digest[i] ^= 0x01
		p.insert(a, b)
		p.rows(a, b)
	}
}

func findKeepsKindsApart(p *probe) {
	kinds := []store.Kind{store.KindToken, store.KindSecret, store.KindSession}
	others := append(kinds, "", "Token", "token ", "tok", "%", "*")
	for _, kind := range kinds {
		c := credential()
		c.Kind = kind
		p.insert(c)
		p.rows(c)
		for _, other := range others {
			if other != kind {
				p.findNotFound(other, c.Digest)
			}
		}
	}
}

func findReturnsExpired(p *probe) {
	c := expired()
	p.insert(c)
	p.rows(c)
}

func findReturnsRevoked(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: c.ID}, at, c)
	p.rows(revoked(c, at))
}

func digestIsUnique(p *probe) {
	c := credential()
	p.insert(c)
	for _, kind := range []store.Kind{store.KindToken, store.KindSecret, store.KindSession, "other"} {
		again := credential()
		again.Kind, again.Digest = kind, c.Digest
		p.insertLimit(again, 0, store.ErrExists)
		p.getNotFound(again.ID)
	}
}

func idIsUnique(p *probe) {
	c := credential()
	p.insert(c)
	for _, kind := range []store.Kind{store.KindToken, store.KindSecret, store.KindSession, "other"} {
		again := credential()
		again.Kind, again.ID = kind, c.ID
		p.insertLimit(again, 0, store.ErrExists)
		p.findNotFound(kind, again.Digest)
	}
}

func refusedInsertChangesNothing(p *probe) {
	c := full()
	p.insert(c)
	byID, byDigest := credential(), credential()
	byID.ID, byID.Subject = c.ID, c.Subject
	byDigest.Digest, byDigest.Subject = c.Digest, c.Subject
	p.insertLimit(byID, 0, store.ErrExists)
	p.insertLimit(byDigest, 0, store.ErrExists)
	p.insertLimit(c, 0, store.ErrExists) // the same credential again
	p.rows(c)
	q := own(c)
	q.ClientID = c.ClientID
	p.list(q, c)
}
