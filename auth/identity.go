package auth

import (
	"context"
	"slices"
	"time"

	"github.com/keystile/keystile/internal/grammar"
)

// AllScopes, among the scopes of a credential, allows all that its account
// may do. Among an account's permissions it allows everything.
const AllScopes = "*"

// An Identity is who a request was authenticated as. Its Scopes and its Account
// are shared by all that see the request and must not be modified.
type Identity struct {
	Subject    string    // the user account; never empty
	Scheme     string    // "Bearer", "Secret" or "Cookie"; a host's own scheme names itself
	Credential string    // public ID of the credential: for audit logs and revocation, not secret
	Client     string    // public ID of the OAuth client: the Family of a secret, or of the one a token was exchanged for; "": none
	Scopes     []string  // what the credential may do; empty, and from a Guard never nil: nothing; AllScopes: all that its account may
	IssuedAt   time.Time // when the credential was made; zero is before every Account.NotBefore that is set
	ExpiresAt  time.Time // zero: it does not expire; for the authenticator to enforce
	Account    *Account  `json:"-"` // where Config.Accounts is set, what it answered for Subject; else nil
}

// Has reports whether id may do what every one of scopes names: the credential
// allows it and, where the account is known, the account too. Without scopes it
// reports true. For a nil Identity it always reports false.
func (id *Identity) Has(scopes ...string) bool {
	if id == nil {
		return false
	}
	for _, s := range scopes {
		if !allows(id.Scopes, s) || id.Account != nil && !allows(id.Account.Permissions, s) {
			return false
		}
	}
	return true
}

func allows(granted []string, scope string) bool {
	return slices.Contains(granted, scope) || slices.Contains(granted, AllScopes)
}

// An Account is what the host knows of a user at this moment. It is asked for
// on every request, so that a change holds from the next request on.
type Account struct {
	Permissions []string  // what the user may do; AllScopes: everything; empty: nothing
	Disabled    bool      // every credential of the account is refused
	NotBefore   time.Time // credentials issued earlier are refused: after a password change, or to sign out everywhere; zero: none
	User        any       // the host's own value, for its handlers
}

// Accounts looks up the account of a credential. It is called once per
// authenticated request, concurrently.
type Accounts interface {
	// Account returns the account of subject. ErrUnknownAccount means that
	// there is none (any more): the request is refused with 401. Any other
	// error means that it could not be told: 503. The account may be shared
	// between requests; nobody modifies it.
	Account(ctx context.Context, subject string) (*Account, error)
}

// NewContext returns a context that carries a copy of id. The [Guard] does this;
// others need it where an identity comes another way, from a message queue for
// instance. With a nil id the context carries none, even if ctx did.
func NewContext(ctx context.Context, id *Identity) context.Context {
	c := &keptContext{identityContext: identityContext{Context: ctx}}
	if id != nil {
		c.kept = kept(*id)
		c.of, c.account = &c.kept, id.Account
	}
	return c
}

// FromContext returns the identity that ctx carries and whether there is one.
// Behind [Guard.Require] there always is. It is a copy, for the caller to keep;
// its Scopes and its Account are shared and must not be modified.
func FromContext(ctx context.Context) (*Identity, bool) {
	// This is inlined, and then the identity is on the caller's stack, unless
	// the caller keeps it.
	return fromContext(ctx, new(Identity))
}

func fromContext(ctx context.Context, id *Identity) (*Identity, bool) {
	c, _ := ctx.Value(identityKey{}).(*identityContext)
	if c == nil || c.of == nil {
		return nil, false
	}
	*id = c.Identity()
	if id.Subject == "" {
		return nil, false
	}
	return id, true
}

// identityContext carries whom a request is from, and the account of that.
type identityContext struct {
	context.Context
	of      Verified // nil: nobody
	account *Account
}

type identityKey struct{}

func (c *identityContext) Value(key any) any {
	if _, ok := key.(identityKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// Identity implements [Verified].
func (c *identityContext) Identity() Identity {
	id := c.of.Identity()
	id.Account = c.account
	return id
}

// keptContext is an identityContext with the identity in it: one allocation for
// both.
type keptContext struct {
	identityContext
	kept kept
}

type kept Identity

func (k *kept) Identity() Identity {
	id := Identity(*k)
	id.Scopes = grammar.Granted(id.Scopes)
	return id
}
