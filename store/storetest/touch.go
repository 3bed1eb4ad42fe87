package storetest

import (
	"net/netip"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

func touchChecks() []check {
	return []check{
		{"touch-sets-last-use-only", "writing back a whole row undoes every change that was made since it was read", touchSetsLastUse},
		{"touch-sets-the-address", "a wrong or outdated address accuses the wrong client", touchSetsAddress},
		{"touch-never-moves-backwards", "uses are reported late and out of order; the owner needs to see the latest", touchNeverBackwards},
		{"touch-of-a-batch", "if a use in a batch is lost, the credential looks unused", touchBatch},
		{"touch-keeps-revocation-and-rotation", "a use that is reported after a revocation must not undo it", touchKeepsEnd},
		{"touch-never-inserts", "a use that is reported after its row was deleted must not restore the row", touchNeverInserts},
	}
}

func touchSetsLastUse(p *probe) {
	for _, last := range []time.Time{{}, time.Now().UTC().Truncate(time.Microsecond)} {
		c, other := full(), credential()
		c.LastUsedAt = last
		p.insert(c, other)
		p.rows(c) // fills a cache, if the store has one
		at := c.CreatedAt.Add(2*time.Hour + time.Microsecond)
		p.touch(c.ID, at)
		p.rows(touched(c, at), other)
	}
}

func touchNeverBackwards(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.touch(c.ID, at)
	for _, earlier := range []time.Duration{0, time.Nanosecond, time.Microsecond, time.Hour} {
		p.touch(c.ID, at.Add(-earlier))
		p.rows(touched(c, at))
	}
	p.touch(c.ID, time.Time{})
	p.rows(touched(c, at))
	p.touch(c.ID, at.Add(time.Microsecond))
	p.rows(touched(c, at.Add(time.Microsecond)))
}

func touchKeepsEnd(p *probe) {
	old := credential()
	next := successor(old)
	until := next.CreatedAt.Add(overlap)
	p.insert(old)
	p.rotate(old.ID, until, next, nil)
	used := next.CreatedAt.Add(time.Second)
	p.touch(old.ID, used)
	p.rows(touched(rotated(old, next, until), used), next)
	p.revoke(store.Filter{Subject: old.Subject, Family: old.Family}, used, old, next)
	later := used.Add(time.Second)
	p.touch(old.ID, later)
	p.touch(next.ID, later)
	p.rows(touched(revoked(rotated(old, next, until), used), later), touched(revoked(next, used), later))
}

func touchSetsAddress(p *probe) {
	c := credential()
	p.insert(c)
	for i, addr := range []string{"192.0.2.1", "2001:db8::1", "", "::ffff:192.0.2.1", "fe80::1%eth0"} {
		c = touched(c, c.CreatedAt.Add(time.Duration(i+1)*time.Minute))
		c.LastUsedAddr = netip.Addr{}
		if addr != "" {
			c.LastUsedAddr = netip.MustParseAddr(addr)
		}
		p.touchAll(store.Use{ID: c.ID, At: c.LastUsedAt, Addr: c.LastUsedAddr})
		p.rows(c)
	}
	p.touchAll(store.Use{ID: c.ID, At: c.LastUsedAt, Addr: usedFrom}) // not later, so nothing changes
	p.rows(c)
}

func touchBatch(p *probe) {
	cs := credentials(100)
	p.insert(cs...)
	var uses []store.Use
	for i := range 1000 {
		c := cs[i%len(cs)]
		at := c.CreatedAt.Add(time.Duration((i*7)%1000) * time.Second) // out of order
		uses = append(uses, store.Use{ID: c.ID, At: at, Addr: usedFrom})
		if at.After(c.LastUsedAt) {
			cs[i%len(cs)] = touched(c, at)
		}
	}
	for i := range 10 {
		uses[i*100+99].ID = "unknown" + strings.Repeat("\x00", i)
	}
	cs[99] = cs[99].Clone()
	cs[99].LastUsedAt, cs[99].LastUsedAddr = time.Time{}, netip.Addr{} // its uses were replaced by those of unknown IDs
	p.touchAll(uses...)
	p.rows(cs...)
	if p.err == nil {
		p.expect("Touch of no uses", p.st.Touch(p.ctx, nil), nil)
	}
}

func touchNeverInserts(p *probe) {
	unknown := credential()
	p.touch(unknown.ID, unknown.CreatedAt)
	p.touch("", unknown.CreatedAt)
	p.gone(unknown)
	c := expired()
	p.insert(c, credential())
	p.prune(c.ExpiresAt.Add(time.Second), 1)
	p.touch(c.ID, c.ExpiresAt)
	p.gone(c)
}
