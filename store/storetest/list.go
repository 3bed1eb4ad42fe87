package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func listChecks() []check {
	return []check{
		{"list-is-newest-first", "an owner who wants to revoke a credential usually looks for the latest", listNewestFirst},
		{"list-breaks-ties-by-id", "without a total order, pages repeat some credentials and miss others", listBreaksTies},
		{"list-selects-by-subject-and-kind", "a store that ignores a field shows one account the credentials of another", listSelects},
		{"list-selects-by-client", "tokens that a client exchanged must not push the account's own tokens off the page", listByClient},
		{"list-of-any-client", "an account must be able to see all of its active credentials", listAnyClient},
		{"list-active", "an account must be able to see all of its active credentials", listActive},
		{"list-limit", "a page must have the requested length", listLimit},
		{"list-default-limit", "listing an account with a million credentials must not fill the service's memory", listDefaultLimit},
		{"list-limit-above-default", "a caller may ask for longer pages than the default", listAboveDefault},
		{"list-no-match-is-no-error", "an account without credentials is normal, not an error", listNoMatch},
		{"list-refuses-incomplete-query", "a forgotten field must never mean every account", listRefuses},
	}
}

// own returns the query for c's own kind and subject.
func own(c *store.Credential) store.Query { return store.Query{Kind: c.Kind, Subject: c.Subject} }

func listNewestFirst(p *probe) {
	cs := credentials(5)
	for _, i := range []int{2, 0, 4, 1, 3} {
		p.insert(cs[i])
	}
	slices.Reverse(cs)
	p.list(own(cs[0]), cs...)
}

func listBreaksTies(p *probe) {
	// In descending order of their bytes, which differs from alphabetical order.
	order := []string{"é", "z", "a", "_", "Z", "B", "AB", "A-", "A", "9", "10", "1", "-1"}
	byID := make(map[string]*store.Credential)
	cs := credentials(len(order))
	for i, id := range order {
		cs[i].ID, cs[i].CreatedAt = id, cs[0].CreatedAt
		byID[id] = cs[i]
	}
	for _, id := range slices.Sorted(slices.Values(order)) {
		p.insert(byID[id])
	}
	p.list(own(cs[0]), cs...)
	active := own(cs[0])
	active.Active = true
	p.list(active, cs...)
}

// population returns credentials of every combination of two subjects, kinds,
// families and clients, the newest first.
func population() []*store.Credential {
	cs := credentials(16)
	for i, c := range cs {
		c.Subject = []string{"ada", "grace"}[i&1]
		c.Kind = []store.Kind{store.KindToken, store.KindSecret}[i>>1&1]
		c.Family = []string{"chain", "other chain"}[i>>2&1]
		c.ClientID = []string{"", "secret"}[i>>3&1]
	}
	slices.Reverse(cs)
	return cs
}

func listSelects(p *probe) {
	cs := population()
	p.insert(cs...)
	for _, c := range cs {
		for _, active := range []bool{false, true} {
			q := own(c)
			q.ClientID, q.Active = c.ClientID, active
			p.list(q, where(cs, func(o *store.Credential) bool {
				return o.Subject == c.Subject && o.Kind == c.Kind && o.ClientID == c.ClientID
			})...)
		}
	}
}

// where returns the credentials for which keep reports true.
func where(cs []*store.Credential, keep func(*store.Credential) bool) []*store.Credential {
	return slices.DeleteFunc(slices.Clone(cs), func(c *store.Credential) bool { return !keep(c) })
}

func listByClient(p *probe) {
	cs := credentials(6)
	for i, client := range []string{"", "a", "b", "", "a", "A"} {
		cs[i].ClientID = client
	}
	p.insert(cs...)
	for _, active := range []bool{false, true} {
		q := own(cs[0])
		q.Active = active
		p.list(q, cs[3], cs[0])
		q.ClientID = "a"
		p.list(q, cs[4], cs[1])
		q.ClientID = "b"
		p.list(q, cs[2])
		q.ClientID = "c"
		p.list(q)
	}
}

func listAnyClient(p *probe) {
	cs := credentials(4)
	cs[1].ClientID, cs[2].ClientID = "a", "b"
	cs[3].ClientID, cs[3].RevokedAt = "a", cs[3].CreatedAt
	p.insert(cs...)
	q := own(cs[0])
	q.ClientID, q.Active = store.AnyClient, true
	p.list(q, cs[2], cs[1], cs[0])
	q.Active = false
	p.listRefused(q)
}

func listActive(p *probe) {
	cs := credentials(6)
	cs[0].ExpiresAt = cs[0].CreatedAt.Add(time.Minute)
	cs[1].ExpiresAt = time.Time{}
	cs[5].ExpiresAt = time.Time{}
	p.insert(cs...)
	p.revoke(store.Filter{ID: cs[2].ID}, cs[2].CreatedAt, cs[2])
	p.revoke(store.Filter{ID: cs[5].ID}, cs[5].CreatedAt, cs[5])
	next := successor(cs[4]) // cs[4] stays active for hours
	p.rotate(cs[4].ID, cs[4].ExpiresAt, next, nil)
	q := own(cs[0])
	p.list(q, next, cs[5], cs[4], cs[3], cs[2], cs[1], cs[0])
	q.Active = true
	p.list(q, next, cs[4], cs[3], cs[1])
	q.Limit = 2
	p.list(q, next, cs[4])
}

func listLimit(p *probe) {
	cs := credentials(5)
	p.insert(cs...)
	slices.Reverse(cs)
	q := own(cs[0])
	for q.Limit = 1; q.Limit <= 6; q.Limit++ {
		p.list(q, cs[:min(q.Limit, 5)]...)
	}
}

func listDefaultLimit(p *probe) {
	cs := credentials(store.DefaultLimit + 1)
	p.insert(cs...)
	slices.Reverse(cs)
	p.list(own(cs[0]), cs[:store.DefaultLimit]...)
}

func listAboveDefault(p *probe) {
	cs := credentials(store.DefaultLimit + 1)
	p.insert(cs...)
	slices.Reverse(cs)
	q := own(cs[0])
	q.Limit = len(cs)
	p.list(q, cs...)
}

func listNoMatch(p *probe) {
	for range 2 {
		c := credential()
		p.list(own(c))
		p.list(store.Query{Kind: c.Kind, Subject: c.Subject, Active: true, ClientID: store.AnyClient})
		p.insert(credential())
	}
}

func listRefuses(p *probe) {
	c := credential()
	p.insert(c)
	for _, q := range []store.Query{
		{},
		{Kind: c.Kind},
		{Subject: c.Subject},
		{Kind: c.Kind, ClientID: store.AnyClient, Active: true},
		{Kind: c.Kind, Subject: c.Subject, Limit: -1},
		{Kind: c.Kind, Subject: c.Subject, After: "not a cursor"},
		{Kind: c.Kind, Subject: c.Subject, After: "AAAA"},
	} {
		p.listRefused(q)
	}
}

func (p *probe) listRefused(q store.Query) {
	if p.err != nil {
		return
	}
	_, _, err := p.st.List(p.ctx, q)
	p.mistaken(listing(q).String(), err)
}
