package storetest

import (
	"time"

	"github.com/keystile/keystile/store"
)

func exactChecks() []check {
	return []check{
		{"ids-are-compared-exactly", "an ID that also selects another one revokes or shows somebody else's credential", idsAreExact},
		{"subjects-are-compared-exactly", "an account that is taken for another sees and revokes that one's credentials", exact(
			func(c *store.Credential, s string) { c.Subject = s },
			func(s string) store.Filter { return store.Filter{Subject: s} },
		)},
		{"families-are-compared-exactly", "revoking one rotation chain must not reach into another", exact(
			func(c *store.Credential, s string) { c.Family = s },
			func(s string) store.Filter { return store.Filter{Family: s} },
		)},
		{"parents-are-compared-exactly", "revoking what one secret was exchanged for must not reach what another was", exact(
			func(c *store.Credential, s string) { c.Parent = s },
			func(s string) store.Filter { return store.Filter{Parent: s} },
		)},
	}
}

// lookalikes returns strings that differ, however much a database may think
// otherwise: by collation, padding, patterns, separators, quoting or Unicode.
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
		p.getNotFound(id) // none of those before is taken for it
		c := credential()
		c.ID, c.Family = id, id
		p.insert(c)
		all = append(all, c)
	}
	for i, c := range all {
		at := c.CreatedAt.Add(time.Duration(i+1) * time.Second)
		p.touch(c.ID, at, nil)
		all[i] = touched(c, at)
	}
	p.rows(all...)
	for _, c := range all {
		p.revoke(store.Filter{ID: c.ID}, c.LastUsedAt, c)
	}
}

// exact returns a check of one field that selects credentials.
func exact(set func(*store.Credential, string), filter func(string) store.Filter) func(*probe) {
	return func(p *probe) {
		var all []*store.Credential
		for _, value := range lookalikes() {
			c := credential()
			set(c, value)
			all = append(all, c)
		}
		p.insert(all...)
		for i, value := range lookalikes() {
			p.list(filter(value), all[i])
		}
		for i, value := range lookalikes() {
			at := all[i].CreatedAt.Add(time.Minute)
			p.revoke(filter(value), at, all[i])
			p.list(store.Filter{ID: all[i].ID, Active: true})
		}
	}
}
