package credential

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// A source is where a credential comes from: a request, or an address.
type source struct {
	r    *http.Request // nil: addr tells
	addr netip.Addr
}

// Check decides whether c may be used at now: the one place where that is
// decided. Its error wraps auth.ErrInvalidCredentials.
func Check(c *store.Credential, now time.Time) error {
	switch {
	case c.Active(now):
		return nil
	case !c.RevokedAt.IsZero():
		return refuse(c, "revoked")
	case !c.RotatedAt.IsZero():
		r := refuse(c, "rotated, and its overlap has ended")
		r.superseded = true
		return r
	}
	return refuse(c, "expired")
}

// checkNetwork decides whether c may be used from the given source.
func (m *Manager) checkNetwork(c *store.Credential, from source) error {
	if len(c.Networks) > 0 && !within(m.addr(from), c.Networks) {
		return refuse(c, "presented from a network it is not meant for")
	}
	return nil
}

// addr returns the address of a source. Few credentials are bound to networks,
// so it is asked for only where one is.
func (m *Manager) addr(from source) netip.Addr {
	if from.r != nil {
		return m.ClientAddr(from.r)
	}
	return normalAddr(from.addr)
}

// A refusal is why a known credential was refused.
type refusal struct {
	reason, subject, id string
	superseded          bool // rotated, and presented after its end
}

func refuse(c *store.Credential, reason string) *refusal {
	return &refusal{reason: reason, subject: c.Subject, id: c.ID}
}

func (e *refusal) Error() string { return auth.ErrInvalidCredentials.Error() + ": " + e.reason }

func (e *refusal) Unwrap() error { return auth.ErrInvalidCredentials }

// Credential tells auth.Guard whose credential was refused, for its Event.
func (e *refusal) Credential() (subject, id string) { return e.subject, e.id }
