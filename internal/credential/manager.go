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
	Lifetime time.Duration // where a request asks for none

	Store            store.Store
	Prefix           string
	Realm            string
	ResourceMetadata string // a URL for the challenge; "": none
	Limit            int    // current credentials per subject and client; negative: no limit
	EndOldest        bool   // beyond Limit, the oldest credential ends
	HourlyLimit      int    // credentials created per subject, client and hour; negative: no limit
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
	scheme   string // of the Authorization header
	format   format
	digester digester
	used     lastUsed
	unmade   error // nil, but for what Unmade returns
}

// New returns a Manager. The error names everything that is wrong with cfg.
func New(cfg Config) (*Manager, error) {
	m := &Manager{cfg: cfg, scheme: schemeOf(cfg.Kind)}
	var errs []error
	fail := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: Config."+format, append([]any{cfg.Package}, a...)...))
	}

	if v := reflect.ValueOf(cfg.Store); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		fail("Store: nil: look at the error that its constructor has returned; store.NewMemory() is one to begin with")
	}
	var err error
	if m.format, err = newFormat(cfg.Prefix); err != nil {
		fail("Prefix: %w", err)
	}
	if !grammar.IsPrintable(cfg.Realm) {
		fail("Realm: %q: only printable ASCII can be sent in a header", cfg.Realm)
	}
	if cfg.ResourceMetadata != "" {
		if err := grammar.CheckURL(cfg.ResourceMetadata); err != nil {
			fail("ResourceMetadata: %w", err)
		}
	}
	m.digester = newDigester(cfg.Peppers, cfg.AcceptUnpeppered, fail)
	m.cfg.Peppers = nil // kept nowhere but in the digester
	m.cfg.TrustedProxies = TrustedProxies(cfg.TrustedProxies, fail)
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
func (m *Manager) Pattern() string {
	if m.unmade != nil {
		panic(m.errorf("pattern: %w", m.unmade))
	}
	return m.format.pattern()
}

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
	plaintext := m.generate(c.Subject)
	if err := m.insert(ctx, c, plaintext); err != nil {
		return auth.Plaintext{}, err
	}
	return auth.NewPlaintext(plaintext), nil
}

func (m *Manager) insert(ctx context.Context, c *store.Credential, plaintext string) error {
	m.name(c, plaintext)
	ended, err := m.cfg.Store.Insert(ctx, c, m.limits(c.CreatedAt))
	if err != nil {
		return err
	}
	if len(ended) > 0 {
		m.observe(ctx, auth.Revoked, c.Subject, "", errMakesRoom)
	}
	m.observe(ctx, auth.Issued, c.Subject, c.ID, nil)
	return nil
}

// errMakesRoom is why a credential was revoked that its account did not revoke.
var errMakesRoom = errors.New("the oldest ended to make room for a new one")

// limits returns the limits for a credential that is created now.
func (m *Manager) limits(now time.Time) store.Limits {
	return store.Limits{
		Active:    max(m.cfg.Limit, 0),
		EndOldest: m.cfg.EndOldest,
		Recent:    max(m.cfg.HourlyLimit, 0),
		Since:     now.Add(-time.Hour),
	}
}

// name gives c a new ID, the digest and hint of plaintext and, if it has none, a
// family.
func (m *Manager) name(c *store.Credential, plaintext string) {
	c.ID = m.newID(c.Subject)
	c.Digest = m.digester.digest(0, plaintext)
	c.Hint = m.hint(plaintext)
	c.Family = family(c)
}

// family returns the family of c. A row that the host made may name none: then
// it is the first of its family.
func family(c *store.Credential) string { return cmp.Or(c.Family, c.ID) }

func (m *Manager) observe(ctx context.Context, what auth.EventType, subject, id string, err error) {
	if m.cfg.Observe != nil {
		m.cfg.Observe(ctx, auth.Event{Type: what, Scheme: m.scheme, Subject: subject, Credential: id, Err: err})
	}
}

// errorf returns an error of the scheme's package. It must be given nothing that
// could be a plaintext, such as an ID that came from outside.
func (m *Manager) errorf(format string, a ...any) error {
	return fmt.Errorf(m.cfg.Package+": "+format, a...)
}
