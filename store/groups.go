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

// appendSparing is append that leaves less room, for there are many groups and few
// of them grow for long.
func appendSparing(ids []string, id string) []string {
	if len(ids) == cap(ids) {
		ids = append(make([]string, 0, len(ids)+len(ids)/4+1), ids...)
	}
	return append(ids, id)
}

// selected returns the credentials that match f at now, in no order. It looks
// only at those that share the most telling field that f sets.
func (m *Memory) selected(f Filter, now time.Time) []*Credential {
	var ids []string
	switch {
	case f.ID != "":
		ids = []string{f.ID}
	case f.Family != "":
		ids = append(slices.Clip(m.groups[group{byFamily, f.Family}]), f.Family)
	case f.Parent != "":
		ids = m.groups[group{byParent, f.Parent}]
	default:
		ids = m.groups[group{bySubject, f.Subject}]
	}
	var found []*Credential
	for _, id := range ids {
		if c := m.ids.get(id); c != nil && f.Match(c, now) {
			found = append(found, c)
		}
	}
	return found
}
