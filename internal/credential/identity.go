package credential

import (
	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

// The schemes, as identities, challenges and events name them.
const (
	SchemeBearer = "Bearer"
	SchemeSecret = "Secret" // the only one whose credentials are exchanged
	SchemeCookie = "Cookie"
)

// schemeOf returns the scheme under which credentials of a kind are presented.
func schemeOf(k store.Kind) string {
	switch k {
	case store.KindToken:
		return SchemeBearer
	case store.KindSecret:
		return SchemeSecret
	}
	return SchemeCookie
}

// IdentityOf returns the identity of whoever presents c.
func IdentityOf(c *store.Credential) auth.Identity { return (*verified)(c).Identity() }

// Verified returns c, which is valid, for the Guard.
func Verified(c *store.Credential) auth.Verified { return (*verified)(c) }

// verified is a row, of which the identity is made: rows are immutable.
type verified store.Credential

// Identity sets its result field by field, as a literal would be copied there.
func (c *verified) Identity() (id auth.Identity) {
	id.Subject = c.Subject
	id.Scheme = schemeOf(c.Kind)
	id.Credential = c.ID
	id.Client = c.ClientID
	id.Scopes = grammar.Granted(c.Scopes)
	id.IssuedAt = c.CreatedAt
	id.ExpiresAt = c.ExpiresAt
	if c.Kind == store.KindSecret {
		id.Client = family((*store.Credential)(c))
	}
	return id
}
