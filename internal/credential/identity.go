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
func IdentityOf(c *store.Credential) auth.Identity {
	id := auth.Identity{
		Subject: c.Subject, Scheme: schemeOf(c.Kind), Credential: c.ID, Client: c.Parent, Scopes: grammar.Granted(c.Scopes),
		IssuedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}
	if c.Kind == store.KindSecret {
		id.Client = family(c)
	}
	return id
}

// Verified returns c, which is valid, for the Guard.
func Verified(c *store.Credential) auth.Verified { return (*verified)(c) }

// verified is a row, of which the identity is made: rows are immutable.
type verified store.Credential

func (c *verified) Identity() auth.Identity { return IdentityOf((*store.Credential)(c)) }
