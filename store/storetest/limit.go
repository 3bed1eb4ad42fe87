package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func limitChecks() []check {
	return []check{
		{"limit-is-exact", "one more than the limit is a limit that is not kept; one less locks an account out of what it may have", limitIsExact},
		{"limit-counts-what-never-expires", "a credential without an expiry is the most lasting of all", limitCountsUnlimited},
		{"limit-counts-until-expiry", "a credential is active up to its last microsecond", limitCountsUntilExpiry},
		{"limit-ignores-expired", "an account whose credentials have all expired must be able to get a new one", limitIgnoresExpired},
		{"limit-ignores-revoked", "revoking a credential is how an account makes room for another", limitIgnoresRevoked},
		{"limit-ignores-other-kinds", "each kind has a limit of its own", limitIgnoresOtherKinds},
		{"limit-ignores-other-subjects", "no account may use up another's limit", limitIgnoresOtherSubjects},
		{"limit-counts-rotated-during-overlap", "until its overlap ends the rotated credential is as good as the new one", limitCountsRotated},
		{"limit-is-judged-at-creation", "the row's own time decides; a store that asks its clock disagrees with the caller about what has expired", limitIsJudgedAtCreation},
		{"limit-counts-more-than-a-page", "a limit that is counted on a page of a list ends where the page does", limitCountsMoreThanAPage},
		{"limit-zero-is-none", "a caller that sets no limit must not be refused", limitZeroIsNone},
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
	p.list(store.Filter{Subject: cs[0].Subject}, cs[2], cs[1], cs[0])
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
	cs[2].ExpiresAt = now // no longer valid at it
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

func limitCountsRotated(p *probe) {
	cs := credentials(3)
	next := successor(cs[0])
	until := next.CreatedAt.Add(overlap)
	p.insertLimit(cs[0], 1, nil)
	p.rotate(cs[0].ID, until, next, nil)
	cs[1].CreatedAt = until.Add(-time.Microsecond)
	p.insertLimit(cs[1], 2, store.ErrLimit)
	cs[2].CreatedAt = until
	p.insertLimit(cs[2], 2, nil)
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
