package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func pageChecks() []check {
	return []check{
		{"pages-show-every-row-once", "an owner cannot revoke a credential that no page shows", pagesShowEveryRow},
		{"pages-end", "a cursor after the last page makes clients loop; a missing cursor hides the rest", pagesEnd},
		{"pages-go-on-after-a-row-that-left", "a row that was revoked or deleted between two pages must neither end the list nor restart it", pagesGoOn},
		{"pages-of-another-account", "a cursor from another account must reveal nothing about that account's credentials", pagesOfAnotherAccount},
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
	for _, active := range []bool{false, true} {
		for _, size := range []int{1, 2, 5, 6, 7, 22, 23, 24} {
			q := own(cs[0])
			q.Limit, q.Active = size, active
			p.sequence(fmt.Sprintf("List in pages of %d, active %v", size, active), p.all(q, len(cs)), cs)
		}
	}
}

// all returns the credentials of the page q and of all pages after it. It fails the
// check if there are more than n.
func (p *probe) all(q store.Query, n int) []*store.Credential {
	var seen []*store.Credential
	for p.err == nil {
		page, next := p.page(q)
		seen = append(seen, page...)
		if len(page) > q.Limit || len(seen) > n || len(page) == 0 && next != "" {
			p.wrong("%s: a page of %d, %d in all so far, and the cursor %q; want pages of at most %d, %d in all", listing(q), len(page), len(seen), next, q.Limit, n)
		}
		if q.After = next; next == "" {
			break
		}
	}
	return seen
}

func pagesEnd(p *probe) {
	cs := credentials(4)
	p.insert(cs...)
	q := own(cs[0])
	for q.Limit = 1; q.Limit <= 5; q.Limit++ {
		if _, next := p.page(q); (next == "") != (q.Limit >= 4) {
			p.wrong("%s of 4 credentials: returned the cursor %q", listing(q), next)
		}
	}
}

func pagesGoOn(p *probe) {
	cs := credentials(5)
	cs[1].ExpiresAt = cs[1].CreatedAt.Add(time.Second)
	p.insert(cs...)
	active := own(cs[0])
	active.Active, active.Limit = true, 2
	page, next := p.page(active)
	p.sequence(listing(active), page, []*store.Credential{cs[4], cs[3]})
	p.revoke(store.Filter{ID: cs[3].ID}, cs[3].CreatedAt, cs[3])
	active.After = next
	p.list(active, cs[2], cs[0])

	q := own(cs[0])
	q.Limit = 4
	page, next = p.page(q)
	p.sequence(listing(q), page, []*store.Credential{cs[4], cs[3], cs[2], cs[1]})
	p.prune(cs[1].ExpiresAt.Add(time.Second), 1)
	q.After = next
	p.list(q, cs[0])
}

func pagesOfAnotherAccount(p *probe) {
	mine, other := credentials(3), credentials(3)
	for i := range other {
		other[i].CreatedAt = mine[i].CreatedAt
	}
	p.insert(mine...)
	p.insert(other...)
	q := own(other[0])
	q.Limit = 2
	_, next := p.page(q)
	q = own(mine[0])
	q.After = next
	q.Limit = 5
	if others := where(p.all(q, 3), func(c *store.Credential) bool { return c.Subject != mine[0].Subject }); len(others) > 0 {
		p.wrong("%s: returned %d credentials of another account", listing(q), len(others))
	}
	latest := credential() // the store does not have it
	latest.CreatedAt = time.Now()
	q.After = store.NewCursor(latest)
	p.list(q, mine[2], mine[1], mine[0])
}
