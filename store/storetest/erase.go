package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func eraseChecks() []check {
	return []check{
		{"erase-deletes-the-account", "a deleted account must leave no personal data (GDPR article 17)", eraseDeletes},
		{"erase-spares-other-accounts", "deleting one account must not sign out another", eraseSpares},
		{"erase-leaves-no-trace", "an account that comes back must find neither its old rows nor its old limits", eraseLeavesNoTrace},
		{"erase-has-no-page", "if only one page of rows is deleted, the rest of the account's data stays", eraseHasNoPage},
	}
}

func eraseDeletes(p *probe) {
	cs := credentials(6)
	cs[1].Kind, cs[2].Kind = store.KindSecret, store.KindSession
	cs[3].ClientID, cs[3].RevokedAt = "client", cs[3].CreatedAt
	cs[4].ExpiresAt = cs[4].CreatedAt
	cs[5].ExpiresAt = time.Time{}
	p.insert(cs...)
	next := successor(cs[0])
	p.rotate(cs[0].ID, cs[0].ExpiresAt, next, nil)
	p.erase(cs[0].Subject, 7)
	p.gone(append(cs, next)...)
	p.erase(cs[0].Subject, 0)
	p.erase(credential().Subject, 0)
	p.erase("", 0)
}

func eraseSpares(p *probe) {
	c, other := credentials(2), credentials(2)
	other[0].Family, other[1].ClientID = c[0].Family, "client"
	c[1].ClientID = "client"
	p.insert(c...)
	p.insert(other...)
	p.erase(c[0].Subject, 2)
	p.gone(c...)
	p.rows(other...)
}

func eraseLeavesNoTrace(p *probe) {
	cs := credentials(3)
	p.insert(cs...)
	p.erase(cs[0].Subject, 3)
	p.list(own(cs[0]))
	at := cs[0].CreatedAt.Add(time.Minute)
	p.revoke(store.Filter{Subject: cs[0].Subject}, at)
	p.touch(cs[0].ID, at)
	p.insertLimits(cs[0], store.Limits{Active: 1, Recent: 1, Since: cs[0].CreatedAt}, nil)
	p.rows(cs[0])
}

func eraseHasNoPage(p *probe) {
	cs := credentials(2*store.DefaultLimit + 20)
	p.insert(cs...)
	p.erase(cs[0].Subject, len(cs))
	p.gone(cs...)
}
