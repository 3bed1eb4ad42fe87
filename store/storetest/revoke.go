package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func revokeChecks() []check {
	return []check{
		{"revoke-is-seen-by-every-read", "a revoked credential that one way of asking still shows as good goes on being used", revokeIsSeen},
		{"revoke-keeps-the-first-time", "the first time is evidence: what was done with the credential after it was done by a thief", revokeKeepsFirst},
		{"revoke-returns-what-it-changed", "caches drop exactly what is returned: one too few stays usable, one too many is a revocation reported twice", revokeReturnsChanged},
		{"revoke-selects-by-every-field", "a field that is not looked at revokes what belongs to another account, or leaves a stolen credential alive", revokeSelects},
		{"revoke-id-of-another-subject", "no account may revoke another's credential by naming its ID", revokeOtherSubject},
		{"revoke-except", "\"sign out everywhere else\" must not sign out here", revokeExcept},
		{"revoke-active-spares-expired", "what has ended by itself is not to be counted as revoked", revokeActive},
		{"revoke-takes-expired-too", "without Active every match is revoked, whatever else has ended it", revokeExpired},
		{"revoke-has-no-page", "an account that signs out everywhere has to be signed out everywhere, however many credentials it has", revokeHasNoPage},
		{"revoke-no-match-is-no-error", "revoking what is gone already has succeeded (RFC 7009 section 2.2)", revokeNoMatch},
		{"revoke-refuses-empty-filter", "a forgotten field must never mean everyone", revokeRefusesEmpty},
		{"revoke-refuses-limit-and-before", "a revocation that stops half way looks like a complete one", revokeRefusesPage},
		{"revoke-refuses-zero-time", "the zero time means never: the caller is told of a revocation that has not happened", revokeRefusesZero},
	}
}

func revokeIsSeen(p *probe) {
	c := full()
	c.RevokedAt = time.Time{}
	other := credential()
	p.insert(c, other)
	p.rows(c) // fills what cache there is
	at := c.CreatedAt.Add(time.Hour + 123456*time.Microsecond)
	p.revoke(store.Filter{ID: c.ID}, at, c)
	p.rows(revoked(c, at), other)
	p.list(store.Filter{ID: c.ID, Active: true})
}

func revokeKeepsFirst(p *probe) {
	c := credential()
	p.insert(c)
	first := c.CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: c.ID}, first, c)
	for _, again := range []time.Duration{time.Hour, 0, -time.Second} {
		p.revoke(store.Filter{ID: c.ID}, first.Add(again))
		p.revoke(store.Filter{Subject: c.Subject}, first.Add(again))
		p.rows(revoked(c, first))
	}
}

func revokeReturnsChanged(p *probe) {
	cs := credentials(4)
	p.insert(cs...)
	p.insert(credentials(2)...)
	first, later := cs[3].CreatedAt, cs[3].CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: cs[1].ID}, first, cs[1])
	p.revoke(store.Filter{Subject: cs[0].Subject}, later, cs[0], cs[2], cs[3])
	p.rows(revoked(cs[0], later), revoked(cs[1], first), revoked(cs[2], later), revoked(cs[3], later))
}

func revokeSelects(p *probe) {
	cs := population()
	p.insert(cs...)
	at := cs[0].CreatedAt
	for _, c := range []*store.Credential{cs[3], cs[12], cs[6]} {
		for _, f := range filters(c) { // from the narrowest to the widest
			at = at.Add(time.Second)
			var changed []*store.Credential
			for i, c := range cs {
				if selects(f, c) && c.RevokedAt.IsZero() {
					changed = append(changed, c)
					cs[i] = revoked(c, at)
				}
			}
			p.revoke(f, at, changed...)
			p.rows(selected(f, cs)...)
		}
	}
	p.rows(cs...)
}

func revokeOtherSubject(p *probe) {
	mine, other := credential(), credential()
	p.insert(mine, other)
	at := mine.CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: other.ID, Subject: mine.Subject}, at)
	p.revoke(store.Filter{ID: mine.ID, Subject: mine.Subject, Kind: store.KindSecret}, at)
	p.revoke(store.Filter{ID: mine.ID, Family: other.Family}, at)
	p.revoke(store.Filter{ID: mine.ID, Parent: other.ID}, at)
	p.rows(mine, other)
}

func revokeExcept(p *probe) {
	cs := credentials(3)
	p.insert(cs...)
	at := cs[2].CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{Subject: cs[0].Subject, Except: cs[1].ID}, at, cs[0], cs[2])
	p.rows(revoked(cs[0], at), cs[1], revoked(cs[2], at))
}

func revokeActive(p *probe) {
	cs := credentials(3)
	at := cs[2].CreatedAt.Add(time.Hour)
	cs[0].ExpiresAt = at // no longer active at it
	cs[1].ExpiresAt = time.Time{}
	p.insert(cs...)
	p.revoke(store.Filter{Subject: cs[0].Subject, Active: true}, at, cs[1], cs[2])
	p.rows(cs[0], revoked(cs[1], at), revoked(cs[2], at))
}

func revokeExpired(p *probe) {
	c := expired()
	p.insert(c)
	at := c.ExpiresAt.Add(time.Minute)
	p.revoke(store.Filter{Subject: c.Subject}, at, c)
	p.rows(revoked(c, at))
}

func revokeHasNoPage(p *probe) {
	cs := credentials(store.DefaultLimit + 20)
	p.insert(cs...)
	p.revoke(store.Filter{Subject: cs[0].Subject}, cs[0].CreatedAt, cs...)
	p.list(store.Filter{Subject: cs[0].Subject, Active: true})
}

func revokeNoMatch(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: credential().ID}, at)
	p.revoke(store.Filter{Subject: credential().Subject}, at)
	p.revoke(store.Filter{Family: credential().ID}, at)
	p.revoke(store.Filter{Parent: credential().ID}, at)
	p.rows(c)
}

func revokeRefusesEmpty(p *probe) {
	c := credential()
	p.insert(c)
	for _, f := range emptyFilters(c) {
		p.revokeRefuses(f, c)
	}
}

func revokeRefusesPage(p *probe) {
	c := credential()
	p.insert(c)
	for _, f := range []store.Filter{{Limit: 1}, {Limit: -1}, {Before: c.ID}, {Before: "unknown"}} {
		f.Subject = c.Subject
		p.revokeRefuses(f, c)
	}
}

func revokeRefusesZero(p *probe) {
	c := credential()
	p.insert(c)
	for _, at := range zeroTimes() {
		if p.err != nil {
			return
		}
		got, err := p.st.Revoke(p.ctx, store.Filter{ID: c.ID}, at)
		p.mistaken("Revoke at the zero time", err)
		if len(got) > 0 {
			p.failf("Revoke at the zero time: returned %d digests", len(got))
		}
		p.rows(c)
	}
}

// revokeRefuses wants an error for f, and c to stay as it is.
func (p *probe) revokeRefuses(f store.Filter, c *store.Credential) {
	if p.err != nil {
		return
	}
	if got, err := p.st.Revoke(p.ctx, f, c.CreatedAt); err == nil {
		p.failf("Revoke(%s): returned %d digests and no error, want an error", showFilter(f), len(got))
	}
	p.rows(c)
}
