package storetest

import (
	"net/netip"
	"time"

	"github.com/keystile/keystile/store"
)

func copyChecks() []check {
	return []check{
		{"insert-copies", "a row that changes with the caller's variable grants scopes that nobody wrote", insertCopies},
		{"rotate-copies", "a row that changes with the caller's variable grants scopes that nobody wrote", rotateCopies},
		{"returned-credentials-do-not-change", "what a request was judged by must not change under its feet", returnedDoNotChange},
	}
}

// spoil overwrites all that c refers to.
func spoil(c *store.Credential) {
	for i := range c.Scopes {
		c.Scopes[i] = "admin"
	}
	for i := range c.Networks {
		c.Networks[i] = netip.MustParsePrefix("::/0")
	}
	for i := range c.Data {
		c.Data[i] = 'x'
	}
	*c = *credential()
}

func insertCopies(p *probe) {
	c := full()
	given := c.Clone()
	p.expect("Insert", p.st.Insert(p.ctx, given, 0), nil)
	p.rows(c)
	spoil(given)
	p.rows(c)
	p.list(store.Filter{Subject: c.Subject}, c)
}

func rotateCopies(p *probe) {
	old := credential()
	next := full()
	p.insert(old)
	given := next.Clone()
	p.expect("Rotate", p.st.Rotate(p.ctx, old.ID, old.ExpiresAt, given), nil)
	p.rows(next)
	spoil(given)
	p.rows(next)
	p.list(store.Filter{Subject: next.Subject}, next)
}

func returnedDoNotChange(p *probe) {
	c := full()
	c.RotatedAt, c.RevokedAt = time.Time{}, time.Time{}
	next := successor(c)
	at := c.CreatedAt.Add(time.Hour)
	p.insert(c)
	type answer struct{ returned, then *store.Credential }
	var answers []answer
	for _, step := range []func(){
		func() { p.touch(c.ID, at, nil) },
		func() { p.rotate(c.ID, at, next, nil) },
		func() { p.revoke(store.Filter{ID: c.ID}, at, c) },
		func() { p.prune(at.Add(time.Microsecond), 1) },
	} {
		for _, r := range reads(p.st, c) {
			if p.err != nil {
				return
			}
			row, err := r.do(p.ctx)
			p.expect(r, err, nil)
			if row != nil {
				answers = append(answers, answer{row, row.Clone()})
			}
		}
		step()
	}
	for _, a := range answers {
		if d := diff(a.returned, a.then); d != "" {
			p.failf("a credential that was returned changed with later calls: %s", d)
		}
	}
}
