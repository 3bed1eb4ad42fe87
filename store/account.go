package store

import (
	"cmp"
	"slices"
	"time"
)

// An account holds the rows of one subject in a [Memory], in two sorted slices. A
// page and the live rows are found by binary search, so rows that have ended cost
// nothing.
type account struct {
	all  []*Credential // in the order of byCreation
	open []*Credential // the rows that are not revoked, in the order of byExpiry
}

// byCreation orders rows so that the rows that a Query without Active selects are
// adjacent, oldest first.
func byCreation(a, b *Credential) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.ClientID, b.ClientID),
		oldestFirst(a, b),
	)
}

func oldestFirst(a, b *Credential) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// byExpiry orders rows by ExpiresAt. Rows that never expire come last.
func byExpiry(a, b *Credential) int {
	never := func(c *Credential) int {
		if c.ExpiresAt.IsZero() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(never(a), never(b)),
		a.ExpiresAt.Compare(b.ExpiresAt),
		cmp.Compare(a.ID, b.ID),
	)
}

func (a *account) add(c *Credential) {
	a.all = insertSorted(a.all, c, byCreation)
	if c.RevokedAt.IsZero() {
		a.open = insertSorted(a.open, c, byExpiry)
	}
}

// replace replaces old by c, a newer version of the same row. Its Kind, ClientID
// and CreatedAt never change, so only its position in open can.
func (a *account) replace(old, c *Credential) {
	i, _ := slices.BinarySearchFunc(a.all, old, byCreation)
	a.all[i] = c
	i, open := slices.BinarySearchFunc(a.open, old, byExpiry)
	switch {
	case !open:
		return
	case c.RevokedAt.IsZero() && c.ExpiresAt.Equal(old.ExpiresAt):
		a.open[i] = c
		return
	}
	a.open = slices.Delete(a.open, i, i+1)
	if c.RevokedAt.IsZero() {
		a.open = insertSorted(a.open, c, byExpiry)
	}
}

// remove removes the rows for which dead reports true, and frees their memory.
func (a *account) remove(dead func(*Credential) bool) {
	a.all = slices.Clone(slices.DeleteFunc(a.all, dead))
	a.open = slices.Clone(slices.DeleteFunc(a.open, dead))
}

// live returns the rows that are not revoked and expire after the given time,
// newest first. The caller owns the slice.
func (a *account) live(at time.Time) []*Credential {
	if a == nil {
		return nil
	}
	from, _ := slices.BinarySearchFunc(a.open, at, func(c *Credential, at time.Time) int {
		if c.ExpiresAt.IsZero() || c.ExpiresAt.After(at) {
			return 1
		}
		return -1
	})
	rows := slices.Clone(a.open[from:])
	slices.SortFunc(rows, func(a, b *Credential) int { return oldestFirst(b, a) })
	return rows
}

// created returns the rows with this kind and client that were created at since or
// later, oldest first. The caller must not keep the slice.
func (a *account) created(k Kind, clientID string, since time.Time) []*Credential {
	if a == nil {
		return nil
	}
	first := &Credential{Kind: k, ClientID: clientID, CreatedAt: since}
	from, _ := slices.BinarySearchFunc(a.all, first, byCreation)
	rows := a.all[from:]
	to, _ := slices.BinarySearchFunc(rows, first, func(c, first *Credential) int {
		if c.Kind == first.Kind && c.ClientID == first.ClientID {
			return -1
		}
		return 1
	})
	return rows[:to]
}

func insertSorted(rows []*Credential, c *Credential, order func(a, b *Credential) int) []*Credential {
	i, _ := slices.BinarySearchFunc(rows, c, order)
	return slices.Insert(rows, i, c)
}
