package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func limitChecks() []check {
	return []check{
		{"limit-is-exact", "a limit that allows one more is not kept; one that allows one less refuses a legitimate credential", limitIsExact},
		{"limit-counts-what-never-expires", "a credential without an expiry lasts longest, so it must count", limitCountsUnlimited},
		{"limit-counts-until-expiry", "a credential is active up to its last microsecond, so it must count until then", limitCountsUntilExpiry},
		{"limit-ignores-expired", "an account whose credentials have all expired must be able to get a new one", limitIgnoresExpired},
		{"limit-ignores-revoked", "an account must be able to make room by revoking a credential", limitIgnoresRevoked},
		{"limit-ignores-other-kinds", "each kind has a limit of its own", limitIgnoresOtherKinds},
		{"limit-ignores-other-subjects", "one account must not use up the limit of another", limitIgnoresOtherSubjects},
		{"limit-ignores-other-clients", "a client that keeps exchanging its secret must not keep the account from creating a token", limitIgnoresOtherClients},
		{"limit-ignores-rotated", "an account at its limit must still be able to rotate its credentials", limitIgnoresRotated},
		{"limit-is-judged-at-creation", "the store must judge expiry at CreatedAt; if it uses its own clock, it may disagree with the caller", limitIsJudgedAtCreation},
		{"limit-counts-more-than-a-page", "a store that counts only one page of a list does not keep larger limits", limitCountsMoreThanAPage},
		{"limit-zero-is-none", "a caller that sets no limit must not be refused", limitZeroIsNone},
		{"limit-ends-the-oldest", "a sign-in on a new device must succeed, and must end the oldest session", limitEndsOldest},
		{"limit-ends-as-many-as-needed", "after a limit was lowered, an account above it must get back to it", limitEndsSeveral},
		{"limit-recent-is-exact", "an account that creates and revokes credentials in a loop must not add rows without bound", recentIsExact},
		{"limit-recent-counts-apart", "one account, kind or client must not use up the rate of another", recentCountsApart},
	}
}

func limitIsExact(p *probe) {
	cs := credentials(4)
	for _, c := range cs[:3] {
		p.insertLimit(c, 3, nil)
	}
	p.insertLimit(cs[3], 3, store.ErrLimit)
	p.insertLimit(cs[3], 1, store.ErrLimit)
	p.gone(cs[3])
	p.list(own(cs[0]), cs[2], cs[1], cs[0])
	p.insertLimit(cs[3], 4, nil)
	p.rows(cs...)
}

func limitCountsUnlimited(p *probe) {
	cs := credentials(2)
	cs[0].ExpiresAt = time.Time{}
	p.insert(cs[0])
	p.insertLimit(cs[1], 1, store.ErrLimit)
}

func limitCountsUntilExpiry(p *probe) {
	cs := credentials(2)
	cs[0].ExpiresAt = cs[1].CreatedAt.Add(time.Microsecond)
	p.insert(cs[0])
	p.insertLimit(cs[1], 1, store.ErrLimit)
}

func limitIgnoresExpired(p *probe) {
	cs := credentials(4)
	now := cs[3].CreatedAt
	cs[0].ExpiresAt = cs[0].CreatedAt.Add(time.Microsecond)
	cs[1].ExpiresAt = now.Add(-time.Microsecond)
	cs[2].ExpiresAt = now // already expired at now
	p.insert(cs[:3]...)
	p.insertLimit(cs[3], 1, nil)
}

func limitIgnoresRevoked(p *probe) {
	cs := credentials(4)
	cs[0].ExpiresAt = time.Time{}
	cs[2].RevokedAt = cs[2].CreatedAt
	p.insert(cs[:3]...)
	at := cs[1].CreatedAt
	p.revoke(store.Filter{Subject: cs[0].Subject}, at, cs[0], cs[1])
	p.insertLimit(cs[3], 1, nil)
}

func limitIgnoresOtherKinds(p *probe) {
	cs := credentials(4)
	cs[0].Kind = store.KindSecret
	cs[1].Kind = store.KindSession
	cs[2].Kind = "Token"
	p.insert(cs[:3]...)
	p.insertLimit(cs[3], 1, nil)
}

func limitIgnoresOtherSubjects(p *probe) {
	cs := credentials(5)
	for i, subject := range []string{"Ada", "ada ", "ada:token", "a%", "ada"} {
		cs[i].Subject = subject
		p.insertLimit(cs[i], 1, nil)
	}
	a, b := credential(), credential() // alike once subject and kind are joined
	a.Subject, a.Kind = "a:b", "c"
	b.Subject, b.Kind = "a", "b:c"
	p.insertLimit(a, 1, nil)
	p.insertLimit(b, 1, nil)
}

func limitIgnoresOtherClients(p *probe) {
	cs := credentials(6)
	for i, client := range []string{"a", "a", "b", "", "a", "b"} {
		cs[i].ClientID = client
	}
	p.insertLimit(cs[0], 2, nil)
	p.insertLimit(cs[1], 2, nil)
	p.insertLimit(cs[2], 1, nil)
	p.insertLimit(cs[3], 1, nil)
	p.insertLimit(cs[4], 2, store.ErrLimit)
	p.insertLimit(cs[5], 1, store.ErrLimit)
}

func limitIgnoresRotated(p *probe) {
	cs := credentials(2)
	next := successor(cs[0])
	until := next.CreatedAt.Add(overlap)
	p.insertLimit(cs[0], 1, nil)
	p.rotate(cs[0].ID, until, next, nil)
	cs[1].CreatedAt = until.Add(-time.Microsecond)
	p.insertLimit(cs[1], 1, store.ErrLimit) // next counts
	p.insertLimit(cs[1], 2, nil)            // cs[0] does not
}

func limitIsJudgedAtCreation(p *probe) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	past, later := credentials(2), credentials(2)
	past[0].ExpiresAt = now.Add(-30 * time.Minute)
	past[1].CreatedAt = now.Add(-40 * time.Minute)
	p.insert(past[0])
	p.insertLimit(past[1], 1, store.ErrLimit)
	later[0].ExpiresAt = now.Add(30 * time.Minute)
	later[1].CreatedAt = now.Add(40 * time.Minute)
	p.insert(later[0])
	p.insertLimit(later[1], 1, nil)
}

func limitCountsMoreThanAPage(p *probe) {
	cs := credentials(store.DefaultLimit + 2)
	last := len(cs) - 1
	p.insert(cs[:last]...)
	p.insertLimit(cs[last], last, store.ErrLimit)
	p.insertLimit(cs[last], last+1, nil)
}

func limitZeroIsNone(p *probe) {
	cs := credentials(4)
	p.insertLimit(cs[0], 0, nil)
	p.insertLimit(cs[1], 0, nil)
	p.insertLimit(cs[2], -1, nil)
	p.insertLimit(cs[3], -1, nil)
	p.rows(cs...)
}

func limitEndsOldest(p *probe) {
	cs := credentials(7)
	cs[1].CreatedAt = cs[0].CreatedAt // so the one with the smaller ID is older
	if cs[0].ID > cs[1].ID {
		cs[0].ID, cs[1].ID = cs[1].ID, cs[0].ID
		cs[0].Family, cs[1].Family = cs[0].ID, cs[1].ID
	}
	cs[2].ClientID = "a"
	cs[3].Kind = store.KindSession
	next := successor(cs[4])
	next.CreatedAt = cs[4].CreatedAt
	p.insert(cs[:5]...)
	p.rotate(cs[4].ID, cs[4].ExpiresAt, next, nil) // cs[4] does not count any more
	oldest := store.Limits{Active: 3, EndOldest: true}
	p.insertLimits(cs[5], oldest, nil, cs[0])
	p.rows(revoked(cs[0], cs[5].CreatedAt), cs[1], cs[2], cs[3], cs[5], next)
	p.insertLimits(cs[6], oldest, nil, cs[1])
	p.rows(revoked(cs[0], cs[5].CreatedAt), revoked(cs[1], cs[6].CreatedAt), cs[2], cs[3], cs[5], cs[6], next)
}

func limitEndsSeveral(p *probe) {
	cs := credentials(6)
	p.insert(cs[:5]...)
	p.insertLimits(cs[5], store.Limits{Active: 2, EndOldest: true}, nil, cs[0], cs[1], cs[2], cs[3])
	q := own(cs[0])
	q.Active = true
	p.list(q, cs[5], cs[4])
	taken := credential()
	taken.Subject, taken.CreatedAt, taken.ID = cs[0].Subject, cs[5].CreatedAt, cs[4].ID
	p.insertLimits(taken, store.Limits{Active: 1, EndOldest: true}, store.ErrExists)
	p.list(q, cs[5], cs[4]) // the refused calls have ended nothing
}

func recentIsExact(p *probe) {
	cs := credentials(6)
	since := cs[1].CreatedAt
	cs[1].RevokedAt = cs[1].CreatedAt
	cs[2].ExpiresAt = cs[2].CreatedAt
	p.insert(cs[:3]...)
	l := store.Limits{Recent: 4, Since: since} // cs[0] was created before since
	p.insertLimits(cs[3], l, nil)
	next := successor(cs[3])
	next.CreatedAt = cs[4].CreatedAt
	l.Recent = 3
	p.rotateLimits(cs[3].ID, cs[3].ExpiresAt, next, l, store.ErrLimit)
	p.rows(cs[3])
	p.gone(next)
	l.Recent = 4
	p.rotateLimits(cs[3].ID, cs[3].ExpiresAt, next, l, nil)
	p.insertLimits(cs[5], l, store.ErrLimit)
	l.EndOldest, l.Active = true, 1
	p.insertLimits(cs[5], l, store.ErrLimit) // EndOldest does not apply to Recent
	p.gone(cs[5])
	q := own(cs[0])
	q.Active = true
	p.list(q, next, rotated(cs[3], next, cs[3].ExpiresAt), cs[0])
	l.Since = since.Add(time.Microsecond)
	p.insertLimits(cs[5], store.Limits{Recent: 4, Since: l.Since}, nil)
}

func recentCountsApart(p *probe) {
	cs := credentials(5)
	since := cs[0].CreatedAt
	cs[1].Kind = store.KindSecret
	cs[2].ClientID = "a"
	cs[3].ClientID = "b"
	cs[4].Subject = credential().Subject
	for _, c := range cs {
		p.insertLimits(c, store.Limits{Recent: 1, Since: since}, nil)
	}
	for _, c := range cs {
		again := credential()
		again.Kind, again.ClientID, again.Subject, again.CreatedAt = c.Kind, c.ClientID, c.Subject, c.CreatedAt.Add(time.Minute)
		p.insertLimits(again, store.Limits{Recent: 1, Since: since}, store.ErrLimit)
	}
}
