package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func pruneChecks() []check {
	return []check{
		{"prune-deletes-what-ended", "a store that never deletes rows grows until it fails", pruneDeletes},
		{"prune-keeps-the-boundary", "a credential that ended exactly at the given time did not end before it", pruneKeepsBoundary},
		{"prune-keeps-what-is-current", "deleting an active credential signs its owner out", pruneKeepsCurrent},
		{"prune-keeps-rotated-longer", "once a rotated credential is deleted, its reuse is no longer detected as theft", pruneKeepsRotated},
		{"prune-leaves-no-trace", "a row that is still in an index was not really deleted", pruneLeavesNoTrace},
		{"prune-frees-id-and-digest", "a store that remembers deleted rows grows without bound and refuses new ones", pruneFrees},
		{"prune-has-no-page", "a store that deletes only one page of rows never catches up", pruneHasNoPage},
	}
}

func pruneDeletes(p *probe) {
	p.prune(time.Now(), 0) // an empty store
	cs := credentials(5)
	before := cs[4].CreatedAt.Add(time.Hour)
	ended, later := before.Add(-time.Microsecond), before.Add(time.Hour)
	cs[0].ExpiresAt = ended
	cs[1].ExpiresAt, cs[1].RevokedAt = later, ended
	cs[2].ExpiresAt, cs[2].RevokedAt = time.Time{}, ended
	cs[3].ExpiresAt, cs[3].RevokedAt = ended, later
	p.insert(cs...)
	p.prune(before, 4)
	p.gone(cs[:4]...)
	p.rows(cs[4])
	p.prune(before, 0)
}

func pruneKeepsBoundary(p *probe) {
	cs := credentials(3)
	before := cs[2].CreatedAt.Add(time.Hour)
	cs[0].ExpiresAt = before
	cs[1].RevokedAt = before
	cs[2].ExpiresAt = before.Add(time.Microsecond)
	p.insert(cs...)
	p.prune(before, 0)
	p.prune(before.Add(999*time.Nanosecond), 0) // rounded down, like every time
	p.rows(cs...)
	p.prune(before.Add(time.Microsecond), 2)
	p.gone(cs[0], cs[1])
	p.rows(cs[2])
}

func pruneKeepsCurrent(p *probe) {
	cs := credentials(4)
	cs[0].ExpiresAt = time.Time{}
	cs[1].RevokedAt = cs[1].CreatedAt.Add(time.Hour)
	cs[2].CreatedAt = cs[2].CreatedAt.Add(-365 * 24 * time.Hour) // old, and unused since
	cs[2].LastUsedAt = cs[2].CreatedAt
	next := successor(cs[3])
	until := next.CreatedAt.Add(time.Hour)
	p.insert(cs...)
	p.rotate(cs[3].ID, until, next, nil) // rotated, but not ended yet
	p.prune(time.Time{}, 0)
	p.prune(next.CreatedAt.Add(overlap), 0)
	p.rows(cs[0], cs[1], cs[2], rotated(cs[3], next, until), next)
}

func pruneKeepsRotated(p *probe) {
	cs := credentials(3)
	ended, now := cs[2].CreatedAt.Add(time.Minute), cs[2].CreatedAt.Add(time.Hour)
	cs[0].ExpiresAt = ended
	cs[1].ExpiresAt, cs[1].RotatedAt = ended, cs[1].CreatedAt
	cs[2].RevokedAt, cs[2].RotatedAt = ended, cs[2].CreatedAt
	p.insert(cs...)
	p.pruneBefore(store.PruneBefore{}, 0)
	p.pruneBefore(store.PruneBefore{Ended: now}, 1)
	p.gone(cs[0])
	p.rows(cs[1], cs[2])
	p.pruneBefore(store.PruneBefore{Ended: now, Rotated: ended}, 0)
	p.pruneBefore(store.PruneBefore{Rotated: ended.Add(time.Microsecond)}, 2)
	p.gone(cs...)
}

func pruneLeavesNoTrace(p *probe) {
	cs := credentials(3)
	for i, c := range cs {
		c.Family, c.ClientID = cs[0].ID, "client"
		c.ExpiresAt = c.CreatedAt.Add(time.Duration(i+1) * time.Hour)
	}
	p.insert(cs...)
	p.prune(cs[1].ExpiresAt.Add(time.Second), 2)
	p.gone(cs[0], cs[1])
	q := own(cs[0])
	q.ClientID = "client"
	p.list(q, cs[2])
	at := cs[2].CreatedAt.Add(time.Minute)
	for _, c := range cs[:2] {
		p.revoke(store.Filter{ID: c.ID}, at)
		p.touch(c.ID, at)
		p.update(c.ID, store.Changes{}, store.ErrNotFound)
		p.rotate(c.ID, at, successor(c), store.ErrNotFound)
	}
	p.revoke(store.Filter{Subject: cs[0].Subject}, at, cs[2])
	p.prune(at.Add(time.Second), 1)
	p.gone(cs...)
	p.list(q)
	cs[0].ExpiresAt = cs[0].CreatedAt.Add(24 * time.Hour)
	p.insertLimits(cs[0], store.Limits{Active: 1, Recent: 1, Since: cs[0].CreatedAt}, nil)
}

func pruneFrees(p *probe) {
	c := expired()
	p.insert(c)
	p.prune(c.ExpiresAt.Add(time.Second), 1)
	again := credential()
	again.ID, again.Digest = c.ID, c.Digest
	p.insert(again)
	p.rows(again)
	p.list(own(c))
	p.list(own(again), again)
}

func pruneHasNoPage(p *probe) {
	cs := credentials(store.DefaultLimit + 20)
	for _, c := range cs {
		c.ExpiresAt = c.CreatedAt.Add(time.Minute)
	}
	p.insert(cs...)
	p.prune(cs[len(cs)-1].ExpiresAt.Add(time.Second), len(cs))
	p.list(own(cs[0]))
}
