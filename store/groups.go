package store

import (
	"slices"
	"time"
)

// A group is what several credentials have in common.
type group struct {
	by    by
	value string
}

type by uint8

const (
	bySubject by = iota
	byFamily     // without the first of the family, whose ID is the family's
	byParent
)

func groupsOf(c *Credential) []group {
	groups := []group{{bySubject, c.Subject}}
	if c.Family != "" && c.Family != c.ID {
		groups = append(groups, group{byFamily, c.Family})
	}
	if c.Parent != "" {
		groups = append(groups, group{byParent, c.Parent})
	}
	return groups
}

// selected returns the rows that match f at now, in no order, each once, in a
// slice of the caller's. It looks only at those that share the most telling field
// that f sets.
func (x *rows) selected(f Filter, now time.Time) []*Credential {
	if x == nil {
		return nil
	}
	var found []*Credential
	look := func(c *Credential) {
		if c != nil && f.Match(c, now) {
			found = append(found, c)
		}
	}
	var g group
	switch {
	case f.ID != "":
		look(x.get(f.ID))
		return found
	case f.Family != "":
		look(x.get(f.Family)) // the first of it
		g = group{byFamily, f.Family}
	case f.Parent != "":
		g = group{byParent, f.Parent}
	default:
		g = group{bySubject, f.Subject}
	}
	for _, i := range x.groups[g] {
		look(x.all[i])
	}
	return found
}

// share lets c, which is nobody else's yet, have what its account's latest
// credential has in memory already. Most of an account's are alike.
func (x *rows) share(c *Credential) {
	members := x.groups[group{bySubject, c.Subject}]
	if len(members) == 0 {
		return
	}
	like := x.all[members[len(members)-1]]
	c.Subject = like.Subject
	if c.Name == like.Name {
		c.Name = like.Name
	}
	if len(c.Scopes) > 0 && slices.Equal(c.Scopes, like.Scopes) {
		c.Scopes = like.Scopes
	}
}
