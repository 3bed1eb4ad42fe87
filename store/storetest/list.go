package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func listChecks() []check {
	return []check{
		{"list-is-newest-first", "whoever looks for a credential to revoke looks for the latest", listNewestFirst},
		{"list-breaks-ties-by-id", "without a total order, pages repeat some credentials and miss others", listBreaksTies},
		{"list-selects-by-every-field", "a field that is not looked at shows one account what belongs to another", listSelects},
		{"list-except", "\"all sessions but this one\" is what Except is for", listExcept},
		{"list-active", "an account must see what still works, and all of it", listActive},
		{"list-limit", "a page is as long as was asked for", listLimit},
		{"list-default-limit", "an account with a million credentials must not fill the memory of its service", listDefaultLimit},
		{"list-limit-above-default", "the default is a default, not a cap", listAboveDefault},
		{"list-no-match-is-no-error", "an account without credentials is not an outage, nor an unknown credential", listNoMatch},
		{"list-refuses-empty-filter", "a forgotten field must never mean everyone", listRefusesEmpty},
		{"list-refuses-negative-limit", "a negative limit is a mistake in the caller; guessing what it means hides that", listRefusesNegative},
	}
}

func listNewestFirst(p *probe) {
	cs := credentials(5)
	for _, i := range []int{2, 0, 4, 1, 3} {
		p.insert(cs[i])
	}
	slices.Reverse(cs)
	p.list(store.Filter{Subject: cs[0].Subject}, cs...)
}

func listBreaksTies(p *probe) {
	// In descending order of their bytes, which is not that of any dictionary.
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
	p.list(store.Filter{Subject: cs[0].Subject}, cs...)
}

// population returns credentials of every combination of two subjects, kinds,
// families and parents, the newest first.
func population() []*store.Credential {
	cs := credentials(16)
	for i, c := range cs {
		c.Subject = []string{"ada", "grace"}[i&1]
		c.Kind = []store.Kind{store.KindToken, store.KindSecret}[i>>1&1]
		c.Family = []string{"chain", "other chain"}[i>>2&1]
		c.Parent = []string{"", "secret"}[i>>3&1]
	}
	slices.Reverse(cs)
	return cs
}

// filters returns every combination of the fields that select c, those with
// more of them first.
func filters(c *store.Credential) []store.Filter {
	var fs []store.Filter
	for mask := 31; mask > 1; mask-- { // a kind alone is not a filter
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
			f.Parent = c.Parent
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

// selects says whether f selects c, by all but time. It does not ask f: what
// the contract says must not be proved by the code that stores share.
func selects(f store.Filter, c *store.Credential) bool {
	return (f.ID == "" || f.ID == c.ID) &&
		(f.Kind == "" || f.Kind == c.Kind) &&
		(f.Subject == "" || f.Subject == c.Subject) &&
		(f.Family == "" || f.Family == c.Family) &&
		(f.Parent == "" || f.Parent == c.Parent) &&
		(f.Except == "" || f.Except != c.ID)
}

func selected(f store.Filter, cs []*store.Credential) []*store.Credential {
	return slices.DeleteFunc(slices.Clone(cs), func(c *store.Credential) bool { return !selects(f, c) })
}

func listSelects(p *probe) {
	cs := population()
	p.insert(cs...)
	for _, c := range cs {
		for _, f := range filters(c) {
			p.list(f, selected(f, cs)...)
		}
	}
	for _, c := range cs[1:] { // no row has both
		f := store.Filter{ID: cs[0].ID, Subject: c.Subject, Kind: c.Kind, Family: c.Family}
		p.list(f, selected(f, cs)...)
	}
}

func listExcept(p *probe) {
	cs := credentials(4)
	p.insert(cs...)
	subject := cs[0].Subject
	p.list(store.Filter{Subject: subject, Except: cs[1].ID}, cs[3], cs[2], cs[0])
	p.list(store.Filter{Subject: subject, Except: cs[3].ID, Limit: 2}, cs[2], cs[1])
	p.list(store.Filter{Subject: subject, Except: credential().ID}, cs[3], cs[2], cs[1], cs[0])
	p.list(store.Filter{ID: cs[1].ID, Except: cs[1].ID})
	p.list(store.Filter{ID: cs[1].ID, Except: cs[2].ID}, cs[1])
}

func listActive(p *probe) {
	cs := credentials(6)
	cs[0].ExpiresAt = cs[0].CreatedAt.Add(time.Minute)
	cs[1].ExpiresAt = time.Time{}
	cs[5].ExpiresAt = time.Time{}
	p.insert(cs...)
	p.revoke(store.Filter{ID: cs[2].ID}, cs[2].CreatedAt, cs[2])
	p.revoke(store.Filter{ID: cs[5].ID}, cs[5].CreatedAt, cs[5])
	next := successor(cs[4]) // and the old one lives on for hours
	p.rotate(cs[4].ID, cs[4].ExpiresAt, next, nil)
	subject := cs[0].Subject
	p.list(store.Filter{Subject: subject, Active: true}, next, cs[4], cs[3], cs[1])
	p.list(store.Filter{Subject: subject, Active: true, Limit: 2}, next, cs[4])
	p.list(store.Filter{Subject: subject}, next, cs[5], cs[4], cs[3], cs[2], cs[1], cs[0])
}

func listLimit(p *probe) {
	cs := credentials(5)
	p.insert(cs...)
	slices.Reverse(cs)
	for limit := 1; limit <= 6; limit++ {
		p.list(store.Filter{Subject: cs[0].Subject, Limit: limit}, cs[:min(limit, 5)]...)
	}
}

func listDefaultLimit(p *probe) {
	cs := credentials(store.DefaultLimit + 1)
	p.insert(cs...)
	slices.Reverse(cs)
	p.list(store.Filter{Subject: cs[0].Subject}, cs[:store.DefaultLimit]...)
}

func listAboveDefault(p *probe) {
	cs := credentials(store.DefaultLimit + 1)
	p.insert(cs...)
	slices.Reverse(cs)
	p.list(store.Filter{Subject: cs[0].Subject, Limit: len(cs)}, cs...)
}

func listNoMatch(p *probe) {
	c := credential()
	for range 2 {
		p.list(store.Filter{Subject: credential().Subject})
		p.list(store.Filter{ID: credential().ID})
		p.list(store.Filter{Family: credential().ID, Kind: store.KindToken, Active: true})
		p.list(store.Filter{Parent: credential().ID})
		p.insert(c)
		c = credential()
	}
}

// emptyFilters returns filters that name nobody.
func emptyFilters(c *store.Credential) []store.Filter {
	return []store.Filter{
		{},
		{Kind: c.Kind},
		{Except: "another"},
		{Active: true},
		{Kind: c.Kind, Active: true, Except: "another"},
	}
}

func listRefusesEmpty(p *probe) {
	c := credential()
	p.insert(c)
	for _, f := range append(emptyFilters(c), store.Filter{Limit: 1}, store.Filter{Before: c.ID}) {
		p.listRefuses(f)
	}
}

func listRefusesNegative(p *probe) {
	c := credential()
	p.insert(c)
	p.listRefuses(store.Filter{Subject: c.Subject, Limit: -1})
}

func (p *probe) listRefuses(f store.Filter) {
	if p.err != nil {
		return
	}
	if got, err := p.st.List(p.ctx, f); err == nil {
		p.failf("%s: returned %d credentials and no error, want an error", listing(f), len(got))
	}
}
