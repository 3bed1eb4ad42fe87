package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func raceLimitChecks() []check {
	return []check{
		{"concurrent-insert-keeps-the-limit", "if the store counts first and inserts later, parallel requests exceed the limit", repeat(crowds, raceLimit)},
		{"concurrent-insert-ends-the-oldest-exactly", "parallel sign-ins must not leave more sessions than the limit, nor end more than needed", repeat(crowds, raceEndOldest)},
		{"concurrent-creation-keeps-the-rate", "parallel requests must not create more credentials than the account may", repeat(crowds, raceRecent)},
	}
}

func raceLimit(p *probe) {
	const limit = 5
	cs := credentials(50)
	won := p.insertAll(cs, store.Limits{Active: limit}, limit, store.ErrLimit)
	slices.Reverse(won)
	p.list(own(cs[0]), won...)
}

// raceRecent creates and rotates at the same time: both count toward the limit.
func raceRecent(p *probe) {
	const recent = 10
	cs := credentials(50)
	old := cs[:10]
	since := cs[10].CreatedAt
	p.insert(old...)
	l := store.Limits{Recent: recent, Since: since}
	errs := p.together("Insert and Rotate", len(cs), func(i int) error {
		if i >= len(old) {
			_, err := p.st.Insert(p.ctx, cs[i].Clone(), l)
			return err
		}
		next := successor(old[i])
		next.CreatedAt = since.Add(time.Second)
		return p.st.Rotate(p.ctx, old[i].ID, old[i].ExpiresAt, next, l)
	})
	p.winners(errs, recent, store.ErrLimit)
}

// raceEndOldest signs in many times at once: exactly as many sessions remain as the
// limit allows.
func raceEndOldest(p *probe) {
	const limit = 5
	cs := credentials(50)
	for _, c := range cs {
		c.CreatedAt = cs[0].CreatedAt
	}
	ended := make([]int, len(cs))
	errs := p.together("Insert", len(cs), func(i int) error {
		ds, err := p.st.Insert(p.ctx, cs[i].Clone(), store.Limits{Active: limit, EndOldest: true})
		ended[i] = len(ds)
		return err
	})
	p.succeed(errs)
	q := own(cs[0])
	q.Active = true
	page, _ := p.page(q)
	sum := 0
	for _, n := range ended {
		sum += n
	}
	if p.err == nil && (len(page) != limit || sum != len(cs)-limit) {
		p.failf("%s: %d remain and %d have ended, want %d and %d", p.wrote, len(page), sum, limit, len(cs)-limit)
	}
}
