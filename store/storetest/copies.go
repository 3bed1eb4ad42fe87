package storetest

import (
	"net/netip"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func copyChecks() []check {
	return []check{
		{"insert-copies", "a row that changes with the caller's variable can gain scopes that were never granted", insertCopies},
		{"rotate-copies", "a row that changes with the caller's variable can gain scopes that were never granted", rotateCopies},
		{"update-copies", "a row that changes with the caller's variable can gain scopes that were never granted", updateCopies},
		{"returned-credentials-do-not-change", "a credential must not change while a request is judged by it", returnedDoNotChange},
	}
}

// spoil overwrites the slices of c.
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
	_, err := p.st.Insert(p.ctx, given, store.Limits{})
	p.expect("Insert", err, nil)
	p.rows(c)
	spoil(given)
	p.rows(c)
	p.list(store.Query{Kind: c.Kind, Subject: c.Subject, ClientID: c.ClientID}, c)
}

func rotateCopies(p *probe) {
	old := credential()
	next := full()
	next.Subject = old.Subject
	p.insert(old)
	given := next.Clone()
	p.expect("Rotate", p.st.Rotate(p.ctx, old.ID, old.ExpiresAt, given, store.Limits{}), nil)
	p.rows(next)
	spoil(given)
	p.rows(next)
	p.list(store.Query{Kind: next.Kind, Subject: next.Subject, ClientID: next.ClientID}, next)
}

func updateCopies(p *probe) {
	c := credential()
	p.insert(c)
	scopes, data := []string{"read"}, []byte("data")
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	p.update(c.ID, store.Changes{Scopes: &scopes, Networks: &networks, Data: &data}, nil)
	c.Scopes, c.Networks, c.Data = slices.Clone(scopes), slices.Clone(networks), slices.Clone(data)
	p.rows(c)
	scopes[0], networks[0], data[0] = "admin", netip.MustParsePrefix("::/0"), 'x'
	p.rows(c)
}

func returnedDoNotChange(p *probe) {
	c := full()
	c.RotatedAt, c.RevokedAt = time.Time{}, time.Time{}
	next := successor(c)
	at, name := c.CreatedAt.Add(time.Hour), "renamed"
	p.insert(c)
	type answer struct{ returned, then *store.Credential }
	var answers []answer
	for _, step := range []func(){
		func() { p.touch(c.ID, at) },
		func() { p.update(c.ID, store.Changes{Name: &name, Scopes: &c.Scopes}, nil) },
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
