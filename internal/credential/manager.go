// Package credential is what the schemes of random, opaque credentials share:
// it generates and recognises them, looks them up, decides whether they are
// valid, and manages their life cycle. Packages bearer and secret differ in
// policy alone; package cookie seals such a credential into a cookie.
package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

// Config is the policy of a scheme. The schemes' own Config documents the
// fields that they have in common.
type Config struct {
	Package  string // of the scheme, for errors
	Kind     store.Kind
	Scheme   string        // of the Authorization header
	Lifetime time.Duration // where a request asks for none

	Store            store.Store
	Prefix           string
	Realm            string
	Limit            int // active credentials per subject; negative: no limit
	Peppers          [][]byte
	AcceptUnpeppered bool
	AcceptImported   bool
	RevokeReused     bool
	LastUsedInterval time.Duration // zero: a minute; negative: never
	TrustedProxies   []netip.Prefix
	Observe          func(context.Context, auth.Event)
}

// maxList bounds a list, so that an account with a million credentials does not
// fill the memory of its service.
const maxList = 1000

// A Manager issues, verifies and manages the credentials of one kind.
type Manager struct {
	cfg      Config
	format   format
	digester digester
	used     lastUsed
}

// New returns a Manager. The error names everything that is wrong with cfg.
func New(cfg Config) (*Manager, error) {
	m := &Manager{cfg: cfg}
	var errs []error
	fail := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: Config."+format, append([]any{cfg.Package}, a...)...))
	}

	if v := reflect.ValueOf(cfg.Store); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		fail("Store: nil: store.NewMemory() is one to begin with")
	}
	var err error
	if m.format, err = newFormat(cfg.Prefix); err != nil {
		fail("Prefix: %w", err)
	}
	if !grammar.IsPrintable(cfg.Realm) {
		fail("Realm: %q: only printable ASCII can be sent in a header", cfg.Realm)
	}
	m.digester = newDigester(cfg.Peppers, cfg.AcceptUnpeppered, fail)
	if m.cfg.TrustedProxies, err = normalNetworks(cfg.TrustedProxies); err != nil {
		fail("TrustedProxies: %w", err)
	}
	for _, n := range m.cfg.TrustedProxies {
		if n.Bits() == 0 {
			fail("TrustedProxies: %v: trusts everyone to tell their own address", n)
		}
	}
	if cfg.LastUsedInterval > 0 && cfg.LastUsedInterval < lastUsedDelay {
		fail("LastUsedInterval: %v: must be at least %v; negative for never", cfg.LastUsedInterval, lastUsedDelay)
	}
	if cfg.LastUsedInterval == 0 {
		m.cfg.LastUsedInterval = time.Minute
	}
	m.used.store, m.used.interval = cfg.Store, m.cfg.LastUsedInterval
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// Pattern returns a regular expression, in the syntax of package regexp, that
// finds the credentials in text.
func (m *Manager) Pattern() string { return m.format.pattern() }

// Issue makes a credential and stores it.
func (m *Manager) Issue(ctx context.Context, req Request) (auth.Plaintext, *store.Credential, error) {
	c, err := req.Credential(m.cfg.Kind, m.cfg.Lifetime)
	if err != nil {
		return auth.Plaintext{}, nil, m.errorf("issue: %w", err)
	}
	plain, err := m.Insert(ctx, c)
	if err != nil {
		return auth.Plaintext{}, nil, m.errorf("issue: %w", err)
	}
	return plain, c, nil
}

// Import stores a credential whose plaintext is given.
func (m *Manager) Import(ctx context.Context, req Request, plaintext string) (*store.Credential, error) {
	c, err := req.Credential(m.cfg.Kind, m.cfg.Lifetime)
	if bad := m.importable(plaintext); bad != nil {
		err = errors.Join(fmt.Errorf("%w: %w", ErrRequest, bad), err)
	}
	if err == nil {
		err = m.unknown(ctx, plaintext)
	}
	if err == nil {
		err = m.insert(ctx, c, plaintext)
	}
	if err != nil {
		return nil, m.errorf("import: %w", err)
	}
	return c, nil
}

// unknown returns store.ErrExists if plaintext was imported before: under
// another pepper, Insert would not notice.
func (m *Manager) unknown(ctx context.Context, plaintext string) error {
	_, err := m.lookup(ctx, plaintext)
	switch {
	case err == nil:
		return store.ErrExists
	case errors.Is(err, auth.ErrInvalidCredentials):
		return nil
	}
	return err
}

// Insert makes a plaintext for c, which [Request.Credential] has made, and
// stores c.
func (m *Manager) Insert(ctx context.Context, c *store.Credential) (auth.Plaintext, error) {
	plaintext := m.format.generate()
	if err := m.insert(ctx, c, plaintext); err != nil {
		return auth.Plaintext{}, err
	}
	return auth.NewPlaintext(plaintext), nil
}

func (m *Manager) insert(ctx context.Context, c *store.Credential, plaintext string) error {
	m.name(c, plaintext)
	if err := m.cfg.Store.Insert(ctx, c, max(m.cfg.Limit, 0)); err != nil {
		return err
	}
	m.observe(ctx, auth.Issued, c.Subject, c.ID, nil)
	return nil
}

// name gives c a new ID, the digest of plaintext and, if it has none, a family.
func (m *Manager) name(c *store.Credential, plaintext string) {
	c.ID = NewID()
	c.Digest = m.digester.digest(0, plaintext)
	c.Family = family(c)
}

// family returns the family of c. A row that the host made may name none: then
// it is the first of its family.
func family(c *store.Credential) string { return cmp.Or(c.Family, c.ID) }

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
		Parent: old.Parent, Networks: slices.Clone(old.Networks), CreatedAt: now, Data: slices.Clone(old.Data),
	}
	switch {
	case old.ExpiresAt.IsZero():
	case old.CreatedAt.IsZero(): // a row that the host made
		next.ExpiresAt = now.Add(m.cfg.Lifetime)
	default:
		next.ExpiresAt = now.Add(old.ExpiresAt.Sub(old.CreatedAt))
	}
	plaintext := m.format.generate()
	m.name(next, plaintext)
	return plaintext, next, m.cfg.Store.Rotate(ctx, id, now.Add(overlap), next)
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

// Revoke revokes one credential of subject.
func (m *Manager) Revoke(ctx context.Context, subject, id string) error {
	changed, err := m.revoke(ctx, subject, id)
	if err != nil {
		return m.errorf("revoke: %w", err)
	}
	if changed {
		m.observe(ctx, auth.Revoked, subject, id, nil)
	}
	return nil
}

// revoke reports whether the credential was not revoked before.
func (m *Manager) revoke(ctx context.Context, subject, id string) (bool, error) {
	if subject == "" || id == "" {
		return false, store.ErrNotFound // an empty field of a Filter would not restrict
	}
	changed, err := m.cfg.Store.Revoke(ctx, store.Filter{Kind: m.cfg.Kind, Subject: subject, ID: id}, now())
	if err == nil && len(changed) == 0 {
		_, err = m.get(ctx, subject, id) // revoked before, or not there?
	}
	return len(changed) > 0, err
}

// RevokeAll revokes every credential of subject, but for the one with the ID
// except, and returns how many that changed.
func (m *Manager) RevokeAll(ctx context.Context, subject, except string) (int, error) {
	f := store.Filter{Kind: m.cfg.Kind, Subject: subject, Except: except}
	changed, err := m.cfg.Store.Revoke(ctx, f, now())
	if err != nil {
		return 0, m.errorf("revoke all: %w", err)
	}
	if len(changed) > 0 {
		m.observe(ctx, auth.Revoked, subject, "", nil)
	}
	return len(changed), nil
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
	c, err := m.lookup(ctx, plaintext)
	switch {
	case errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrNoCredentials):
		return nil, false, store.ErrNotFound
	case err != nil:
		return nil, false, err
	}
	changed, err := m.revoke(ctx, c.Subject, c.ID)
	return c, changed, err
}

// List returns the newest credentials of subject, at most maxList; those that
// are active if active is set, and else all that are not pruned.
func (m *Manager) List(ctx context.Context, subject string, active bool) ([]*store.Credential, error) {
	f := store.Filter{Kind: m.cfg.Kind, Subject: subject, Active: active, Limit: maxList}
	list, err := m.cfg.Store.List(ctx, f)
	if err != nil {
		return nil, m.errorf("list: %w", err)
	}
	return list, nil
}

func (m *Manager) observe(ctx context.Context, what auth.EventType, subject, id string, err error) {
	if m.cfg.Observe != nil {
		m.cfg.Observe(ctx, auth.Event{Type: what, Scheme: m.cfg.Scheme, Subject: subject, Credential: id, Err: err})
	}
}

// errorf returns an error of the scheme's package. It must be given nothing that
// could be a plaintext, such as an ID that came from outside.
func (m *Manager) errorf(format string, a ...any) error {
	return fmt.Errorf(m.cfg.Package+": "+format, a...)
}
