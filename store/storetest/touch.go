package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func touchChecks() []check {
	return []check{
		{"touch-sets-last-use-only", "a row that is written back whole undoes whatever changed meanwhile", touchSetsLastUse},
		{"touch-never-moves-backwards", "last uses are reported late and out of order; the latest is the one that its owner needs to see", touchNeverBackwards},
		{"touch-keeps-revocation-and-rotation", "a use that is reported after a revocation must not undo it", touchKeepsEnd},
		{"touch-never-inserts", "a use that is reported after its row was deleted must not bring that back", touchNeverInserts},
	}
}

func touchSetsLastUse(p *probe) {
	for _, last := range []time.Time{{}, time.Now().UTC().Truncate(time.Microsecond)} {
		c, other := full(), credential()
		c.LastUsedAt = last
		p.insert(c, other)
		p.rows(c) // fills what cache there is
		at := c.CreatedAt.Add(2*time.Hour + time.Microsecond)
		p.touch(c.ID, at, nil)
		p.rows(touched(c, at), other)
	}
}

func touchNeverBackwards(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.touch(c.ID, at, nil)
	for _, earlier := range []time.Duration{0, time.Nanosecond, time.Microsecond, time.Hour} {
		p.touch(c.ID, at.Add(-earlier), nil)
		p.rows(touched(c, at))
	}
	p.touch(c.ID, time.Time{}, nil)
	p.rows(touched(c, at))
	p.touch(c.ID, at.Add(time.Microsecond), nil)
	p.rows(touched(c, at.Add(time.Microsecond)))
}

func touchKeepsEnd(p *probe) {
	old := credential()
	next := successor(old)
	until := next.CreatedAt.Add(overlap)
	p.insert(old)
	p.rotate(old.ID, until, next, nil)
	used := next.CreatedAt.Add(time.Second)
	p.touch(old.ID, used, nil)
	p.rows(touched(rotated(old, next, until), used), next)
	p.revoke(store.Filter{Family: old.Family}, used, old, next)
	later := used.Add(time.Second)
	p.touch(old.ID, later, nil)
	p.touch(next.ID, later, nil)
	p.rows(touched(revoked(rotated(old, next, until), used), later), touched(revoked(next, used), later))
}

func touchNeverInserts(p *probe) {
	unknown := credential()
	p.touch(unknown.ID, unknown.CreatedAt, store.ErrNotFound)
	p.touch("", unknown.CreatedAt, store.ErrNotFound)
	p.gone(unknown)
	c := expired()
	p.insert(c, credential())
	p.prune(c.ExpiresAt.Add(time.Second), 1)
	p.touch(c.ID, c.ExpiresAt, store.ErrNotFound)
	p.gone(c)
}
