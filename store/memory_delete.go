package store

import (
	"context"
	"slices"
)

// Prune implements [Store]. It works in one step, which takes up to a second for a
// million rows. Find and Scan do not wait for it.
func (m *Memory) Prune(ctx context.Context, before PruneBefore) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	before = PruneBefore{Ended: micro(before.Ended), Rotated: micro(before.Rotated)}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for subject := range m.accounts {
		n += m.unindex(subject, before.Match)
	}
	m.rebuild(n, before.Match)
	return n, nil
}

// Erase implements [Store]. It works in one step, which takes about 0.3 s in a
// store of a million rows. Find and Scan do not wait for it.
func (m *Memory) Erase(ctx context.Context, subject string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	erased := func(c *Credential) bool { return c.Subject == subject }
	n := m.unindex(subject, erased)
	m.rebuild(n, erased)
	return n, nil
}

// unindex removes from the maps the rows of one subject for which dead reports
// true, and returns how many. They stay in the table until rebuild removes them.
func (m *Memory) unindex(subject string, dead func(*Credential) bool) int {
	a := m.accounts[subject]
	if a == nil {
		return 0
	}
	n := 0
	for _, c := range a.all {
		if dead(c) {
			delete(m.ids, c.ID)
			n++
		}
	}
	switch n {
	case 0:
	case len(a.all):
		delete(m.accounts, subject)
	default:
		a.remove(dead)
	}
	return n
}

// rebuild replaces the table by one that lacks the n rows for which dead reports
// true.
func (m *Memory) rebuild(n int, dead func(*Credential) bool) {
	if n > 0 {
		m.table.Store(newTable(slices.DeleteFunc(m.table.Load().rows(), dead)))
	}
}
