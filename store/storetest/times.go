package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func timeChecks() []check {
	return []check{
		{"times-keep-microseconds", "an expiry that moves by a fraction of a second differs from the one that the client was given", timesKeepMicroseconds},
		{"times-round-down", "an expiry that is rounded up keeps a credential valid after its end", timesRoundDown},
		{"times-are-utc", "a time whose zone changes in the store is displayed, compared and logged wrongly", timesAreUTC},
		{"zero-times-stay-never", "a zero time that comes back as a date expires or revokes a credential, or keeps it valid for ever", zeroTimesStayNever},
		{"epoch-is-not-never", "a store that writes never as 0 makes a credential that expired at the Unix epoch valid for ever", epochIsNotNever},
		{"far-times-are-kept", "nanoseconds in 64 bits overflow in 2262, so a credential that should last longest would be expired at once", farTimesAreKept},
	}
}

// allTimes returns a credential whose times are t and the seconds after it.
func allTimes(t time.Time) *store.Credential {
	c := credential()
	c.CreatedAt = t
	c.LastUsedAt = t.Add(1 * time.Second)
	c.RotatedAt = t.Add(2 * time.Second)
	c.RevokedAt = t.Add(3 * time.Second)
	c.ExpiresAt = t.Add(4 * time.Second)
	return c
}

// writeTimes passes base, and times shortly after it, to every method that writes
// times. It checks that each comes back as kept returns it.
func (p *probe) writeTimes(base time.Time, kept func(time.Time) time.Time) {
	inserted := allTimes(base)
	p.insert(inserted)
	p.rows(keptTimes(inserted, kept))

	old, ended := credential(), credential()
	old.CreatedAt, ended.CreatedAt = base, base
	old.ExpiresAt, ended.ExpiresAt = time.Time{}, time.Time{}
	next := successor(old) // created a minute after base
	p.insert(old, ended)
	used, until, at := base.Add(time.Second), base.Add(time.Hour), base.Add(3*time.Second)
	p.touch(old.ID, used)
	p.rotate(old.ID, until, next, nil)
	p.revoke(store.Filter{ID: ended.ID}, at, ended)
	p.rows(
		keptTimes(rotated(touched(old, used), next, until), kept),
		keptTimes(next, kept),
		keptTimes(revoked(ended, at), kept),
	)
}

func keptTimes(c *store.Credential, kept func(time.Time) time.Time) *store.Credential {
	c = c.Clone()
	for _, t := range []*time.Time{&c.CreatedAt, &c.ExpiresAt, &c.RotatedAt, &c.RevokedAt, &c.LastUsedAt} {
		if !t.IsZero() {
			*t = kept(*t)
		}
	}
	return c
}

func timesKeepMicroseconds(p *probe) {
	now := time.Now().UTC().Truncate(time.Second)
	for _, fraction := range []time.Duration{0, 1, 123456, 500000, 999999} {
		p.writeTimes(now.Add(fraction*time.Microsecond), func(t time.Time) time.Time { return t })
	}
}

func timesRoundDown(p *probe) {
	now := time.Now().UTC().Truncate(time.Second)
	for _, fraction := range []time.Duration{1, 499, 500, 999, 123456789, 999999999} {
		p.writeTimes(now.Add(fraction), func(t time.Time) time.Time { return t.Truncate(time.Microsecond) })
	}
}

func timesAreUTC(p *probe) {
	now := time.Now().Truncate(time.Microsecond)
	for _, zone := range []*time.Location{
		time.FixedZone("east", 5*60*60+45*60),
		time.FixedZone("west", -11*60*60),
		time.FixedZone("UTC", 60*60),
		time.Local,
	} {
		p.writeTimes(now.In(zone), time.Time.UTC)
	}
}

func zeroTimesStayNever(p *probe) {
	zero := time.Time{}.In(time.FixedZone("east", 60*60)) // also a zero time
	c := credential()
	c.ExpiresAt, c.RotatedAt, c.RevokedAt, c.LastUsedAt = zero, zero, zero, zero
	p.insert(c)
	c.ExpiresAt, c.RotatedAt, c.RevokedAt, c.LastUsedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	p.rows(c)
	p.list(store.Query{Kind: store.KindToken, Subject: c.Subject, Active: true}, c)
}

// zeroTimes returns times that are zero for a store.
func zeroTimes() []time.Time {
	return []time.Time{
		{},
		time.Time{}.In(time.FixedZone("west", -60*60)),
		time.Time{}.Add(time.Microsecond - 1), // zero after rounding down
	}
}

func epochIsNotNever(p *probe) {
	epoch := time.Unix(0, 0).UTC()
	c, r := credential(), credential()
	c.CreatedAt, c.ExpiresAt = epoch.Add(-time.Hour), epoch
	p.insert(c, r)
	p.revoke(store.Filter{ID: r.ID}, epoch, r)
	r.RevokedAt = epoch
	p.rows(c, r)
	p.list(store.Query{Kind: store.KindToken, Subject: c.Subject, Active: true})
	p.list(store.Query{Kind: store.KindToken, Subject: r.Subject, Active: true})
	p.prune(epoch.Add(time.Second), 2)
}

func farTimesAreKept(p *probe) {
	far := allTimes(time.Date(9999, 12, 31, 23, 59, 55, 999999000, time.UTC))
	past := allTimes(time.Date(1969, 7, 20, 20, 17, 40, 123456000, time.UTC))
	p.insert(far, past)
	p.rows(far, past)
}
