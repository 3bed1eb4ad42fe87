package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

// history is how many ended credentials the bounded checks give an account.
const history = 20_000

func boundedChecks() []check {
	return []check{
		{"bounded-by-what-is-live", "an attacker who filled an account with ended credentials must not keep its owner from revoking the working one", boundedByLive},
	}
}

// boundedByLive makes each call on an account with a long history. A call that
// takes too long fails by the store's own timeout.
func boundedByLive(p *probe) {
	ended := credentials(history)
	base := ended[0].CreatedAt.Add(-history * time.Second)
	for i, c := range ended {
		c.CreatedAt = base.Add(time.Duration(i) * time.Second)
		c.ExpiresAt = c.CreatedAt.Add(time.Hour)
		switch i % 4 {
		case 0:
			c.RevokedAt = c.CreatedAt.Add(time.Minute)
		case 1:
			c.RotatedAt = c.CreatedAt
		}
		if c.ExpiresAt.After(time.Now().Add(-10 * time.Minute)) {
			c.RevokedAt = c.CreatedAt
		}
	}
	p.fill(ended)
	cs := credentials(3)
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, c := range cs {
		c.Subject, c.CreatedAt = ended[0].Subject, now
	}
	first, other := cs[0], credential()
	p.insert(other)
	l := store.Limits{Active: 2, Recent: 10, Since: first.CreatedAt}
	p.insertLimits(first, l, nil)
	p.insertLimits(cs[1], l, nil)
	p.insertLimits(cs[2], l, store.ErrLimit)
	l.EndOldest = true
	older, newer := first, cs[1]
	if older.ID > newer.ID {
		older, newer = newer, older
	}
	p.insertLimits(cs[2], l, nil, older)
	next := successor(newer)
	next.CreatedAt = newer.CreatedAt
	p.rotateLimits(newer.ID, newer.ExpiresAt, next, l, nil)
	active := own(first)
	active.Active, active.Limit = true, 11
	if page, _ := p.page(active); p.err == nil && len(page) != 3 {
		p.wrong("%s: returned %d credentials, want 3", listing(active), len(page))
	}
	q := own(first)
	q.Limit = 11
	if page, _ := p.page(q); p.err == nil && len(page) != 11 {
		p.wrong("%s: returned %d credentials, want 11", listing(q), len(page))
	}
	name := "renamed"
	p.update(cs[2].ID, store.Changes{Name: &name}, nil)
	p.touch(cs[2].ID, time.Now())
	at := time.Now()
	p.revoke(store.Filter{Subject: first.Subject, Family: newer.Family}, at, newer, next)
	p.revoke(store.Filter{Subject: first.Subject, ClientID: "client"}, at)
	p.revoke(store.Filter{Subject: first.Subject}, at, cs[2])
	p.list(active)
	p.erase(first.Subject, history+4) // including next
	p.rows(other)
}
