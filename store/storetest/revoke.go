package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func revokeChecks() []check {
	return []check{
		{"revoke-is-seen-by-every-read", "if one way to read a revoked credential still returns it as active, it stays in use", revokeIsSeen},
		{"revoke-keeps-the-first-time", "the first time is evidence: it separates the uses before the revocation from the attempts after it", revokeKeepsFirst},
		{"revoke-returns-what-it-changed", "caches drop the returned digests: a missing one stays usable, and an extra one is a revocation reported twice", revokeReturnsChanged},
		{"revoke-selects-by-every-field", "a store that ignores a field revokes too much, or leaves a stolen credential valid", revokeSelects},
		{"revoke-id-of-another-subject", "an account must not revoke another's credential by its ID", revokeOtherSubject},
		{"revoke-family-of-the-first", "the first credential of a chain may have no Family; it must be revoked with the others", revokeFamilyOfFirst},
		{"revoke-except", "\"sign out everywhere else\" must keep the current session", revokeExcept},
		{"revoke-spares-what-has-long-expired", "a revocation that visits all ended rows takes longer every month, until it fails", revokeSparesExpired},
		{"revoke-allows-for-clocks", "a process whose clock is behind may still accept a credential that has just expired here", revokeAllowsForClocks},
		{"revoke-has-no-page", "\"sign out everywhere\" must end all credentials, even if there are many", revokeHasNoPage},
		{"revoke-no-match-is-no-error", "revoking a credential that no longer exists succeeds (RFC 7009 section 2.2)", revokeNoMatch},
		{"revoke-refuses-empty-filter", "a forgotten field must never mean every account", revokeRefusesEmpty},
		{"revoke-refuses-zero-time", "a zero RevokedAt means not revoked, so the caller would trust a revocation that did not happen", revokeRefusesZero},
	}
}

func revokeIsSeen(p *probe) {
	c := full()
	c.RevokedAt = time.Time{}
	other := credential()
	p.insert(c, other)
	p.rows(c) // fills a cache, if the store has one
	at := c.CreatedAt.Add(time.Hour + 123456*time.Microsecond)
	p.revoke(store.Filter{ID: c.ID}, at, c)
	p.rows(revoked(c, at), other)
	q := own(c)
	q.ClientID, q.Active = store.AnyClient, true
	p.list(q)
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

// filters returns every combination of the fields that select c. Filters with more
// fields come first.
func filters(c *store.Credential) []store.Filter {
	var fs []store.Filter
	for mask := 31; mask > 0; mask-- {
		var f store.Filter
		if mask&1 != 0 {
			f.Kind = c.Kind
		}
		if mask&2 != 0 {
			f.Subject = c.Subject
		}
		if mask&4 != 0 {
			f.Family = c.Family
		}
		if mask&8 != 0 {
			f.ClientID = c.ClientID
		}
		if mask&16 != 0 {
			f.ID = c.ID
		}
		if f.Validate() == nil {
			fs = append(fs, f)
		}
	}
	return fs
}

// selects reports whether f selects c. It does not use f.Match, because stores use
// it, and would then be checked against themselves.
func selects(f store.Filter, c *store.Credential) bool {
	return (f.ID == "" || f.ID == c.ID) &&
		(f.Kind == "" || f.Kind == c.Kind) &&
		(f.Subject == "" || f.Subject == c.Subject) &&
		(f.Family == "" || f.Family == c.Family || f.Family == c.ID) &&
		(f.ClientID == "" || f.ClientID == c.ClientID)
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
			p.rows(where(cs, func(c *store.Credential) bool { return selects(f, c) })...)
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
	p.revoke(store.Filter{ID: mine.ID, ClientID: "client"}, at)
	p.rows(mine, other)
}

func revokeFamilyOfFirst(p *probe) {
	first := credential()
	first.Family = ""
	next := successor(first)
	next.Family = first.ID
	other := credential()
	other.Subject, other.Family = first.Subject, ""
	p.insert(first, other)
	p.rotate(first.ID, first.ExpiresAt, next, nil)
	at := next.CreatedAt
	p.revoke(store.Filter{Subject: first.Subject, Family: first.ID}, at, first, next)
	p.rows(revoked(rotated(first, next, first.ExpiresAt), at), revoked(next, at), other)
}

func revokeExcept(p *probe) {
	cs := credentials(5)
	p.insert(cs...)
	at := cs[4].CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{Subject: cs[0].Subject, Except: []string{cs[1].ID, cs[3].ID, "", "unknown"}}, at, cs[0], cs[2], cs[4])
	p.rows(revoked(cs[0], at), cs[1], revoked(cs[2], at), cs[3], revoked(cs[4], at))
	p.revoke(store.Filter{ID: cs[1].ID, Except: []string{cs[1].ID}}, at)
	p.rows(cs[1])
}

func revokeSparesExpired(p *probe) {
	cs := credentials(3)
	at := cs[2].CreatedAt.Add(time.Hour)
	cs[0].ExpiresAt = at.Add(-store.Skew) // expired for exactly a minute
	cs[1].ExpiresAt = at.Add(-time.Hour + 3*time.Second)
	p.insert(cs...)
	p.revoke(store.Filter{Subject: cs[0].Subject}, at, cs[2])
	p.revoke(store.Filter{ID: cs[0].ID}, at)
	p.revoke(store.Filter{Subject: cs[0].Subject, Family: cs[1].Family}, at)
	p.rows(cs[0], cs[1], revoked(cs[2], at))
}

func revokeAllowsForClocks(p *probe) {
	cs := credentials(3)
	at := cs[2].CreatedAt.Add(time.Hour)
	cs[0].ExpiresAt = at.Add(-store.Skew + time.Microsecond)
	cs[1].ExpiresAt = at
	p.insert(cs...)
	p.revoke(store.Filter{ID: cs[0].ID}, at, cs[0])
	p.revoke(store.Filter{Subject: cs[0].Subject}, at, cs[1], cs[2])
	p.rows(revoked(cs[0], at), revoked(cs[1], at), revoked(cs[2], at))
}

func revokeHasNoPage(p *probe) {
	cs := credentials(store.DefaultLimit + 20)
	p.insert(cs...)
	p.revoke(store.Filter{Subject: cs[0].Subject}, cs[0].CreatedAt, cs...)
	q := own(cs[0])
	q.Active = true
	p.list(q)
}

func revokeNoMatch(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{ID: credential().ID}, at)
	p.revoke(store.Filter{Subject: credential().Subject}, at)
	p.revoke(store.Filter{Subject: c.Subject, Family: credential().ID}, at)
	p.revoke(store.Filter{Subject: c.Subject, ClientID: credential().ID}, at)
	p.rows(c)
}

func revokeRefusesEmpty(p *probe) {
	c := credential()
	c.ClientID = "client"
	p.insert(c)
	for _, f := range []store.Filter{
		{},
		{Kind: c.Kind},
		{Family: c.Family},
		{ClientID: c.ClientID},
		{Except: []string{"another"}},
		{Kind: c.Kind, Family: c.Family, ClientID: c.ClientID},
		{Subject: c.Subject, Except: make([]string, 101)},
	} {
		if p.err != nil {
			return
		}
		_, err := p.st.Revoke(p.ctx, f, c.CreatedAt)
		p.mistaken("Revoke("+showFilter(f)+")", err)
		p.rows(c)
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
