package storetest

import (
	"net/netip"
	"time"

	"github.com/keystile/keystile/store"
)

func updateChecks() []check {
	return []check{
		{"update-changes-what-it-names", "an unrelated field that changes too may widen the access of the credential, or lose a part of it", updateChanges},
		{"update-clears-fields", "owners must be able to remove scopes and networks", updateClears},
		{"update-returns-the-row", "a page that shows the returned row must show the stored one", updateReturns},
		{"update-never-revives", "renaming a revoked credential must not make it valid again", updateNeverRevives},
		{"update-unknown-is-not-found", "by this error a page distinguishes a wrong ID from an outage", updateUnknown},
	}
}

func updateChanges(p *probe) {
	c, other := full(), credential()
	p.insert(c, other)
	name, scopes, data := "renamed \x7f é", []string{"a", "", "b c"}, []byte{0, 255}
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/64")}
	for _, step := range []struct {
		ch   store.Changes
		then func()
	}{
		{store.Changes{}, func() {}},
		{store.Changes{Name: &name}, func() { c.Name = name }},
		{store.Changes{Scopes: &scopes}, func() { c.Scopes = scopes }},
		{store.Changes{Networks: &networks}, func() { c.Networks = networks }},
		{store.Changes{Data: &data}, func() { c.Data = data }},
	} {
		p.rows(c) // fills a cache, if the store has one
		p.update(c.ID, step.ch, nil)
		c = c.Clone()
		step.then()
		p.rows(c, other)
	}
	p.update(other.ID, store.Changes{Name: &name, Scopes: &scopes, Networks: &networks, Data: &data}, nil)
	other.Name, other.Scopes, other.Networks, other.Data = name, scopes, networks, data
	p.rows(c, other)
}

func updateClears(p *probe) {
	c := full()
	p.insert(c)
	p.update(c.ID, store.Changes{Name: new(string), Scopes: new([]string), Networks: new([]netip.Prefix), Data: new([]byte)}, nil)
	c.Name, c.Scopes, c.Networks, c.Data = "", nil, nil, nil
	p.rows(c)
}

func updateReturns(p *probe) {
	for _, c := range []*store.Credential{full(), credential()} {
		p.insert(c)
		name := "renamed"
		got := p.update(c.ID, store.Changes{Name: &name}, nil)
		c.Name = name
		if d := diff(got, c); p.err == nil && d != "" {
			p.wrong("Update: returned %s", d)
		}
	}
}

func updateNeverRevives(p *probe) {
	old, gone := credential(), expired()
	next := successor(old)
	until := next.CreatedAt.Add(overlap)
	p.insert(old, gone)
	p.rotate(old.ID, until, next, nil)
	at := next.CreatedAt.Add(time.Second)
	p.revoke(store.Filter{ID: next.ID}, at, next)
	name := "renamed"
	want := []*store.Credential{rotated(old, next, until), revoked(next, at), gone}
	for i, c := range want {
		p.update(c.ID, store.Changes{Name: &name}, nil)
		want[i] = c.Clone()
		want[i].Name = name
	}
	p.rows(want...)
	active := own(next)
	active.Active = true
	p.list(active)
	p.prune(gone.ExpiresAt.Add(time.Microsecond), 3)
}

func updateUnknown(p *probe) {
	c, name := credential(), "renamed"
	p.insert(c)
	for _, id := range []string{credential().ID, "", "a\x00b", "\xff"} {
		p.update(id, store.Changes{Name: &name}, store.ErrNotFound)
		p.update(id, store.Changes{}, store.ErrNotFound)
	}
	p.rows(c)
}
