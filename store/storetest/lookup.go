package storetest

import (
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

func lookupChecks() []check {
	return []check{
		{"insert-keeps-every-field", "the row decides what its bearer may do: what is lost of it (a network, an expiry) widens that", keepsEveryField},
		{"insert-keeps-empty-fields", "an empty scope is not the same as none, and a time that is not set means never", keepsEmptyFields},
		{"find-unknown-is-not-found", "an unknown credential is the commonest of all attacks: it must be refused, neither accepted nor taken for an outage", findUnknown},
		{"get-unknown-is-not-found", "a page that shows one credential tells a wrong ID from an outage by this error", getUnknown},
		{"find-after-a-miss", "a credential that was looked for before it was issued must not be refused ever after", findAfterMiss},
		{"find-compares-whole-digest", "a store that compares a part of the digest accepts plaintexts that were never issued", findComparesWholeDigest},
		{"digests-that-start-alike-are-kept-apart", "an index on a part of the digest refuses or confuses credentials of different accounts", keepsNearDigestsApart},
		{"find-keeps-kinds-apart", "a client secret that is accepted as an access token escapes the rules for secrets, and the other way round", findKeepsKindsApart},
		{"find-returns-expired", "the caller decides validity and reports the cause; a store that hides the row reports an expired credential as forged", findReturnsExpired},
		{"find-returns-revoked", "the caller decides validity and reports the cause; reuse of a revoked credential is a sign of theft", findReturnsRevoked},
		{"digest-is-unique-across-kinds", "one plaintext that is both a token and a secret is neither: revoking one leaves the other", digestIsUnique},
		{"id-is-unique", "a credential is revoked by its ID: two with one ID leave one alive", idIsUnique},
		{"refused-insert-changes-nothing", "a second row in the place of the first hands one account's credential to another", refusedInsertChangesNothing},
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
		p.getNotFound(id) // an ID comes from a URL
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
	p.insertLimit(c, 0, store.ErrExists) // the very same
	p.rows(c)
	q := own(c)
	q.ClientID = c.ClientID
	p.list(q, c)
}
