package storetest

import (
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

func exactChecks() []check {
	return []check{
		{"ids-are-compared-exactly", "an ID that also selects another credential shows or revokes a credential of another account", idsAreExact},
		{"subjects-are-compared-exactly", "an account that is mistaken for another one sees and revokes that account's credentials", subjectsAreExact},
		{"families-are-compared-exactly", "revoking one rotation chain must not revoke credentials of another", exact(
			func(c *store.Credential, s string) { c.Family = s },
			func(f *store.Filter, s string) { f.Family = s },
		)},
		{"clients-are-compared-exactly", "revoking the credentials of one client must not revoke those of another", exact(
			func(c *store.Credential, s string) { c.ClientID = s },
			func(f *store.Filter, s string) { f.ClientID = s },
		)},
	}
}

// lookalikes returns different strings that a database may take for equal, because
// of collation, padding, patterns, separators, quoting or Unicode.
func lookalikes() []string {
	return []string{
		"ada", "Ada", "ADA", "ada ", " ada", "ada\t", "ada\n", "ad", "adaa",
		"a%", "a_a", "%", "_", "*", "a*", "?da", "[a]da", `a\da`,
		"ada:", "ada:1", "ada:1:2", "{ada}", "ada/1", "ada,ada", "ada|", "ada.",
		"'", `"ada"`, `ada' OR '1'='1`, "ada;--", "${ada}", "NULL", "0", "00",
		"\u00e9", "e\u0301", "e", "ß", "ss", "i", "I", "ı", "\uff41da", "ada\u200b",
	}
}

func idsAreExact(p *probe) {
	var all []*store.Credential
	for _, id := range lookalikes() {
		p.getNotFound(id) // before its own insert, no other ID matches it
		c := credential()
		c.ID, c.Family = id, id
		p.insert(c)
		all = append(all, c)
	}
	for i, c := range all {
		at := c.CreatedAt.Add(time.Duration(i+1) * time.Second)
		p.touch(c.ID, at)
		all[i] = touched(c, at)
	}
	p.rows(all...)
	for _, c := range all {
		p.revoke(store.Filter{ID: c.ID}, c.LastUsedAt, c)
	}
}

func subjectsAreExact(p *probe) {
	var all []*store.Credential
	for _, subject := range lookalikes() {
		c := credential()
		c.Subject = subject
		all = append(all, c)
	}
	p.insert(all...)
	for _, c := range all {
		p.list(own(c), c)
	}
	for _, c := range all {
		p.revoke(store.Filter{Subject: c.Subject}, c.CreatedAt.Add(time.Minute), c)
		active := own(c)
		active.Active = true
		p.list(active)
	}
	for _, c := range all {
		p.erase(c.Subject, 1)
		p.gone(c)
	}
}

// exact returns a check of one field of a Filter, among the credentials of one
// account.
func exact(set func(*store.Credential, string), filter func(*store.Filter, string)) func(*probe) {
	return func(p *probe) {
		var all []*store.Credential
		subject := credential().Subject
		values := slices.DeleteFunc(lookalikes(), func(s string) bool { return s == store.AnyClient })
		for _, value := range values {
			c := credential()
			c.Subject = subject
			set(c, value)
			all = append(all, c)
		}
		p.insert(all...)
		for i, value := range values {
			at := all[i].CreatedAt.Add(time.Minute)
			f := store.Filter{Subject: subject}
			filter(&f, value)
			p.revoke(f, at, all[i])
			all[i] = revoked(all[i], at)
		}
		p.rows(all...)
	}
}
