package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func pageChecks() []check {
	return []check{
		{"pages-show-every-row-once", "a credential that no page shows cannot be found to be revoked", pagesShowEveryRow},
		{"pages-go-on-after-a-row-that-left", "a row that was revoked between two pages must not end the list, nor start it anew", pagesGoOn},
		{"page-before-unknown-is-not-found", "the first page in the place of the next loops for ever; an empty one hides the rest", pageBeforeUnknown},
	}
}

func pagesShowEveryRow(p *probe) {
	cs := credentials(23)
	for i, c := range cs {
		c.CreatedAt = cs[0].CreatedAt.Add(time.Duration(i/6) * time.Microsecond) // groups of six are equal
	}
	slices.SortFunc(cs, func(a, b *store.Credential) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	p.insert(cs...)
	p.insert(credentials(5)...)
	for _, size := range []int{1, 2, 5, 6, 7, 22, 23, 24} {
		f := store.Filter{Subject: cs[0].Subject, Limit: size}
		var seen []*store.Credential
		for len(seen) <= len(cs) {
			page := p.page(f)
			if len(page) == 0 {
				break
			}
			seen = append(seen, page...)
			f.Before = page[len(page)-1].ID
		}
		p.sequence(fmt.Sprintf("List in pages of %d", size), seen, cs)
	}
}

func pagesGoOn(p *probe) {
	cs := credentials(5)
	p.insert(cs...)
	f := store.Filter{Subject: cs[0].Subject, Active: true, Limit: 2}
	p.list(f, cs[4], cs[3])
	p.revoke(store.Filter{ID: cs[3].ID}, cs[3].CreatedAt, cs[3])
	f.Before = cs[3].ID
	p.list(f, cs[2], cs[1])
	f.Before = cs[1].ID
	f.Except = cs[1].ID
	p.list(f, cs[0])
}

func pageBeforeUnknown(p *probe) {
	cs := credentials(3)
	cs[1].ExpiresAt = cs[1].CreatedAt.Add(time.Second)
	p.insert(cs...)
	f := store.Filter{Subject: cs[0].Subject, Before: credential().ID}
	p.pageNotFound(f)
	f.Before = cs[1].ID
	p.list(f, cs[0])
	p.prune(cs[1].ExpiresAt.Add(time.Second), 1)
	p.pageNotFound(f)
}

func (p *probe) pageNotFound(f store.Filter) {
	if p.err != nil {
		return
	}
	_, err := p.st.List(p.ctx, f)
	p.expect(listing(f), err, store.ErrNotFound)
}
