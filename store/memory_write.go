package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Insert implements [Store].
func (m *Memory) Insert(ctx context.Context, c *Credential, l Limits) ([]Digest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c = c.normal()
	if l.EndOldest && c.CreatedAt.IsZero() {
		return nil, errors.New("store: Insert: c.CreatedAt: zero: must be the time at which older credentials end")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.vacant(c); err != nil {
		return nil, err
	}
	if m.exceedsRecent(c, l) {
		return nil, ErrLimit
	}
	excess := m.excess(c, l)
	if len(excess) > 0 && !l.EndOldest {
		return nil, ErrLimit
	}
	ended := m.revoke(excess, c.CreatedAt)
	m.add(c)
	return ended, nil
}

// exceedsRecent reports whether c would exceed l.Recent.
func (m *Memory) exceedsRecent(c *Credential, l Limits) bool {
	return l.Recent > 0 && len(m.accounts[c.Subject].created(c.Kind, c.ClientID, micro(l.Since))) >= l.Recent
}

// excess returns the current rows that must end before c can be inserted: the
// oldest ones of the same subject, kind and client.
func (m *Memory) excess(c *Credential, l Limits) []*Credential {
	if l.Active <= 0 {
		return nil
	}
	q := Query{Subject: c.Subject, Kind: c.Kind, ClientID: c.ClientID}
	current := slices.DeleteFunc(m.accounts[c.Subject].live(c.CreatedAt), func(held *Credential) bool {
		return !held.RotatedAt.IsZero() || !q.Match(held, c.CreatedAt)
	})
	return current[min(len(current), l.Active-1):]
}

// Update implements [Store].
func (m *Memory) Update(ctx context.Context, id string, ch Changes) (*Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.get(id)
	if err != nil {
		return nil, err
	}
	n := *c
	if ch.Name != nil {
		n.Name = *ch.Name
	}
	if ch.Scopes != nil {
		n.Scopes = *ch.Scopes
	}
	if ch.Networks != nil {
		n.Networks = *ch.Networks
	}
	if ch.Data != nil {
		n.Data = *ch.Data
	}
	c = n.Clone()
	m.replace(c)
	return c, nil
}

// Rotate implements [Store].
func (m *Memory) Rotate(ctx context.Context, id string, until time.Time, next *Credential, l Limits) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next = next.normal()
	if next.CreatedAt.IsZero() {
		return errors.New("store: Rotate: next.CreatedAt: zero: must be the time of the rotation")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.get(id)
	if err != nil {
		return err
	}
	switch {
	case next.Subject != old.Subject:
		return errors.New("store: Rotate: next.Subject: must be the subject of the credential that is replaced")
	case !old.Current(next.CreatedAt):
		return ErrConflict
	}
	if err := m.vacant(next); err != nil {
		return err
	}
	if m.exceedsRecent(next, l) {
		return ErrLimit
	}
	n := *old
	n.RotatedAt = next.CreatedAt
	// A zero until means never, so it does not replace an expiry.
	if until = micro(until); n.ExpiresAt.IsZero() || !until.IsZero() && until.Before(n.ExpiresAt) {
		n.ExpiresAt = until
	}
	m.replace(&n)
	m.add(next)
	return nil
}

// Revoke implements [Store]. It works in one step.
func (m *Memory) Revoke(ctx context.Context, f Filter, at time.Time) ([]Digest, error) {
	if err := cmp.Or(f.Validate(), ctx.Err()); err != nil {
		return nil, err
	}
	if at = micro(at); at.IsZero() {
		return nil, errors.New("store: Revoke: at: zero: must be the time of the revocation")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revoke(m.live(f, at), at), nil
}

// live returns the rows that Revoke changes.
func (m *Memory) live(f Filter, at time.Time) []*Credential {
	var rows []*Credential
	if f.ID == "" {
		rows = m.accounts[f.Subject].live(at.Add(-Skew))
	} else if c := m.ids[f.ID]; c != nil {
		rows = []*Credential{c}
	}
	return slices.DeleteFunc(rows, func(c *Credential) bool { return !c.Live(at) || !f.Match(c) })
}

// revoke revokes rows and returns their digests.
func (m *Memory) revoke(rows []*Credential, at time.Time) []Digest {
	var changed []Digest
	for _, c := range rows {
		n := *c
		n.RevokedAt = at
		m.replace(&n)
		changed = append(changed, n.Digest)
	}
	return changed
}

// Touch implements [Store].
func (m *Memory) Touch(ctx context.Context, uses []Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range uses {
		at := micro(u.At)
		if c := m.ids[u.ID]; c != nil && c.LastUsedAt.Before(at) {
			n := *c
			n.LastUsedAt, n.LastUsedAddr = at, u.Addr
			m.replace(&n)
		}
	}
	return nil
}
