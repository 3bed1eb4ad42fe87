package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// reuseTimeout bounds the revocation of a family after a reuse, which whoever
// presents the stolen credential must not be able to cancel by hanging up.
const reuseTimeout = 5 * time.Second

// Presented returns the credential in the Authorization header of r if it may be
// used now.
func (m *Manager) Presented(r *http.Request) (*store.Credential, error) {
	plaintext, err := auth.HeaderCredentials(r.Header, m.scheme)
	if err != nil {
		return nil, err
	}
	c, err := m.Valid(r, plaintext)
	if err == auth.ErrNoCredentials {
		err = errForm // it is for this scheme
	}
	return c, err
}

// Valid returns the credential with this plaintext, which the caller took from
// r, if it may be used now.
func (m *Manager) Valid(r *http.Request, plaintext string) (*store.Credential, error) {
	return m.valid(r.Context(), plaintext, source{r: r})
}

// Verify returns whose plaintext this is. Its error is auth.ErrNoCredentials
// where plaintext is not of the form of this scheme's credentials.
func (m *Manager) Verify(ctx context.Context, plaintext string, addr netip.Addr) (*auth.Identity, error) {
	c, err := m.valid(ctx, plaintext, source{addr: addr})
	if err != nil {
		return nil, err
	}
	id := IdentityOf(c)
	return &id, nil
}

// VerifyClient is Verify for a client that names the family of its credential
// besides.
func (m *Manager) VerifyClient(ctx context.Context, client, plaintext string, addr netip.Addr) (*auth.Identity, error) {
	c, err := m.valid(ctx, plaintext, source{addr: addr})
	switch {
	case err == auth.ErrNoCredentials:
		return nil, errForm
	case err != nil:
		return nil, err
	case family(c) != client:
		return nil, refuse(c, "of another client")
	}
	id := IdentityOf(c)
	return &id, nil
}

// valid returns the credential with this plaintext if it may be used now.
func (m *Manager) valid(ctx context.Context, plaintext string, from source) (*store.Credential, error) {
	c, err := m.lookup(ctx, plaintext)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := Check(c, now); err != nil {
		if err.(*refusal).superseded {
			m.reused(ctx, c, now)
		}
		return nil, err
	}
	if err := m.checkNetwork(c, from); err != nil {
		return nil, err
	}
	if m.used.due(c, now) {
		m.used.note(c, now, m.addr(from))
	}
	return c, nil
}

// What nobody knows is refused for one of these reasons. They are told to
// Observe alone.
var (
	errForm     = fmt.Errorf("%w: not of a form that is known here", auth.ErrInvalidCredentials)
	errChecksum = fmt.Errorf("%w: wrong checksum or length", auth.ErrInvalidCredentials)
	errUnknown  = fmt.Errorf("%w: unknown", auth.ErrInvalidCredentials)
)

// errOther is an outage, not an invalid credential: a store that returns
// another row than it was asked for, or half of one, must not be relied on.
var errOther = errors.New("the store returned something else than the credential it was asked for")

// lookup returns the credential with this plaintext, valid or not. What is not
// of our form, or has a wrong checksum, costs the store nothing.
func (m *Manager) lookup(ctx context.Context, plaintext string) (*store.Credential, error) {
	if m.unmade != nil {
		return nil, m.errorf("find: %w", m.unmade)
	}
	if err := m.form(plaintext); err != nil {
		return nil, err
	}
	for way := range m.digester.ways() {
		digest := m.digester.digest(way, plaintext)
		c, err := m.cfg.Store.Find(ctx, m.cfg.Kind, digest)
		if err == nil && (c == nil || c.Kind != m.cfg.Kind || c.Digest != digest || c.Subject == "") {
			err = errOther
		}
		if err == nil {
			return c, nil
		}
		if err == store.ErrNotFound { // what stores say to whoever guesses
			continue
		}
		if err = outage(err); !errors.Is(err, store.ErrNotFound) {
			return nil, m.errorf("find: %w", err)
		}
	}
	return nil, errUnknown
}

// outage returns err, which a store has returned. One that asks another service
// may pass on what that has refused; here it would be taken for a refusal of the
// request, so nothing but the text is left of it.
func outage(err error) error {
	for _, refusal := range [...]error{
		auth.ErrNoCredentials, auth.ErrMalformed, auth.ErrInvalidCredentials,
		auth.ErrInsufficientScope, auth.ErrCrossOrigin, auth.ErrThrottled,
	} {
		if errors.Is(err, refusal) {
			return errors.New(err.Error())
		}
	}
	return err
}

// form returns nil if a store should be asked for plaintext.
func (m *Manager) form(plaintext string) error {
	switch {
	case m.format.check(plaintext):
		return nil
	case m.format.claims(plaintext):
		return errChecksum
	case m.cfg.AcceptImported && importedForm(plaintext) == nil:
		return nil
	}
	return auth.ErrNoCredentials
}

// reused tells that a superseded credential was presented after its end, and
// revokes its family where that is the policy: either its owner or a thief
// holds the successor, and nobody can say which (RFC 9700 section 4.14.2).
func (m *Manager) reused(ctx context.Context, c *store.Credential, now time.Time) {
	var err error
	if m.cfg.RevokeReused {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reuseTimeout)
		defer cancel()
		_, err = m.cfg.Store.Revoke(ctx, store.Filter{Kind: m.cfg.Kind, Subject: c.Subject, Family: family(c)}, now)
	}
	m.observe(ctx, auth.Reused, c.Subject, c.ID, err)
}

// Challenge implements auth.Challenger. That of an unmade Manager is zero, so
// that auth.New refuses whose it is.
func (m *Manager) Challenge(reason error, scopes []string) auth.Challenge {
	if m.unmade != nil {
		return auth.Challenge{}
	}
	c := Challenge(m.scheme, m.cfg.Realm, reason, scopes)
	if m.cfg.ResourceMetadata != "" { // RFC 9728 section 5.1
		c.Params = append(c.Params, [2]string{"resource_metadata", m.cfg.ResourceMetadata})
	}
	return c
}
