package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// Rotate replaces the credential by a successor that is like it, and lives as
// long from now as it was given. The old one ends after the overlap.
func (m *Manager) Rotate(ctx context.Context, subject, id string, overlap time.Duration) (auth.Plaintext, *store.Credential, error) {
	plaintext, next, err := m.rotate(ctx, subject, id, overlap)
	if err != nil {
		return auth.Plaintext{}, nil, m.errorf("rotate: %w", err)
	}
	m.observe(ctx, auth.Rotated, subject, id, nil)
	m.observe(ctx, auth.Issued, subject, next.ID, nil)
	return auth.NewPlaintext(plaintext), next, nil
}

func (m *Manager) rotate(ctx context.Context, subject, id string, overlap time.Duration) (string, *store.Credential, error) {
	if overlap < 0 {
		return "", nil, fmt.Errorf("%w: overlap: %v: must not be negative", ErrRequest, overlap)
	}
	old, err := m.get(ctx, subject, id)
	if err != nil {
		return "", nil, err
	}
	now := now()
	next := &store.Credential{
		Kind: old.Kind, Subject: old.Subject, Name: old.Name, Scopes: slices.Clone(old.Scopes), Family: family(old),
		ClientID: old.ClientID, Networks: slices.Clone(old.Networks), CreatedAt: now, Data: slices.Clone(old.Data),
	}
	switch {
	case old.ExpiresAt.IsZero():
	case old.CreatedAt.IsZero(): // a row that the host made
		next.ExpiresAt = now.Add(m.cfg.Lifetime)
	default:
		next.ExpiresAt = now.Add(old.ExpiresAt.Sub(old.CreatedAt))
	}
	plaintext := m.generate(subject)
	m.name(next, plaintext)
	return plaintext, next, m.cfg.Store.Rotate(ctx, id, now.Add(overlap), next, m.limits(now))
}

// get returns a credential of this kind and subject. To its own account alone
// a credential exists.
func (m *Manager) get(ctx context.Context, subject, id string) (*store.Credential, error) {
	c, err := m.cfg.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Kind != m.cfg.Kind || c.Subject != subject {
		return nil, store.ErrNotFound
	}
	return c, nil
}

// Revoke revokes one credential of subject, and those that it was rotated from or
// into: their plaintexts came from the same hands.
func (m *Manager) Revoke(ctx context.Context, subject, id string) error {
	c, err := m.get(ctx, subject, id)
	var changed bool
	if err == nil {
		changed, err = m.revoke(ctx, c)
	}
	if err != nil {
		return m.errorf("revoke: %w", err)
	}
	if changed {
		m.observe(ctx, auth.Revoked, subject, id, nil)
	}
	return nil
}

// revoke revokes c and the rest of its rotation chain, and reports whether that
// changed anything.
func (m *Manager) revoke(ctx context.Context, c *store.Credential) (bool, error) {
	changed, err := m.cfg.Store.Revoke(ctx, store.Filter{Kind: m.cfg.Kind, Subject: c.Subject, Family: family(c)}, now())
	return len(changed) > 0, err
}

// RevokeAll revokes every credential of subject, but for those with the IDs
// except, and returns how many that changed.
func (m *Manager) RevokeAll(ctx context.Context, subject string, except ...string) (int, error) {
	n, err := m.revokeEach(ctx, subject, "", store.Filter{Except: except})
	if err != nil {
		return n, m.errorf("revoke all: %w", err)
	}
	return n, nil
}

// RevokeFamily revokes every credential of one rotation chain of subject and
// returns how many that changed.
func (m *Manager) RevokeFamily(ctx context.Context, subject, family string) (int, error) {
	if family == "" {
		return 0, m.errorf("revoke family: %w: no family", ErrRequest) // it would not restrict the Filter
	}
	n, err := m.revokeEach(ctx, subject, family, store.Filter{Family: family})
	if err != nil {
		return n, m.errorf("revoke family: %w", err)
	}
	return n, nil
}

// RevokeExchanged revokes every credential of subject that was exchanged for a
// secret of client and returns how many that changed.
func (m *Manager) RevokeExchanged(ctx context.Context, subject, client string) (int, error) {
	if client == "" {
		return 0, m.errorf("revoke exchanged: %w: no client", ErrRequest) // it would not restrict the Filter
	}
	n, err := m.revokeEach(ctx, subject, client, store.Filter{ClientID: client})
	if err != nil {
		return n, m.errorf("revoke exchanged: %w", err)
	}
	return n, nil
}

var errNoSubject = fmt.Errorf("%w: no subject", ErrRequest)

// revokeEach revokes the credentials of subject that match f and returns how many
// that changed. It reports them in one event, under id.
func (m *Manager) revokeEach(ctx context.Context, subject, id string, f store.Filter) (int, error) {
	if subject == "" {
		return 0, errNoSubject
	}
	f.Kind, f.Subject = m.cfg.Kind, subject
	changed, err := m.cfg.Store.Revoke(ctx, f, now())
	if len(changed) > 0 {
		m.observe(ctx, auth.Revoked, subject, id, nil)
	}
	return len(changed), err
}

// RevokeLeaked revokes the credential with this plaintext, whosever it is.
func (m *Manager) RevokeLeaked(ctx context.Context, plaintext string) error {
	c, changed, err := m.RevokePresented(ctx, plaintext)
	if err != nil {
		return m.errorf("revoke leaked: %w", err)
	}
	if changed {
		m.observe(ctx, auth.Revoked, c.Subject, c.ID, nil)
	}
	return nil
}

// RevokePresented is RevokeLeaked without an event. It returns the credential as
// it was, and whether it was not revoked before.
func (m *Manager) RevokePresented(ctx context.Context, plaintext string) (*store.Credential, bool, error) {
	c, err := m.presented(ctx, plaintext)
	if err != nil {
		return nil, false, err
	}
	changed, err := m.revoke(ctx, c)
	return c, changed, err
}

// Lookup returns the credential with this plaintext, valid or not.
func (m *Manager) Lookup(ctx context.Context, plaintext string) (*store.Credential, error) {
	c, err := m.presented(ctx, plaintext)
	if err != nil {
		return nil, m.errorf("lookup: %w", err)
	}
	return c, nil
}

// presented is lookup for those who manage credentials: what is none is not
// found.
func (m *Manager) presented(ctx context.Context, plaintext string) (*store.Credential, error) {
	c, err := m.lookup(ctx, plaintext)
	if errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrNoCredentials) {
		err = store.ErrNotFound
	}
	return c, err
}

// List returns the newest credentials of subject, at most maxList. Those that a
// client has exchanged are listed by its ID, and all others by "". Ended ones are
// among them, until they are pruned, unless active is set; then clientID may be
// store.AnyClient.
func (m *Manager) List(ctx context.Context, subject, clientID string, active bool) ([]*store.Credential, error) {
	if subject == "" {
		return nil, m.errorf("list: %w", errNoSubject)
	}
	q := store.Query{Kind: m.cfg.Kind, Subject: subject, ClientID: clientID, Active: active, Limit: maxList}
	list, _, err := m.cfg.Store.List(ctx, q)
	if err != nil {
		return nil, m.errorf("list: %w", err)
	}
	return list, nil
}
