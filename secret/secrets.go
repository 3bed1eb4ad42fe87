package secret

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// Secrets authenticates requests by client secrets and manages them. Make it
// with [New]; the zero Secrets refuse everything with an error that is an
// outage. It is an [auth.Authenticator] and an [auth.Challenger], and safe for
// concurrent use.
//
// Methods that take a subject never reach the secret of another account: its
// ID is not found. Errors of the store are wrapped: [store.ErrNotFound],
// [store.ErrLimit], [store.ErrExists] and [store.ErrConflict] where a method
// says so, anything else is an outage. What Issue, Import and Rotate return is
// the caller's.
type Secrets struct{ m *credential.Manager }

var (
	_ auth.Authenticator = (*Secrets)(nil)
	_ auth.Challenger    = (*Secrets)(nil)
)

// made returns the Manager of s, or one that refuses everything if New has not
// made s.
func (s *Secrets) made() *credential.Manager {
	if s == nil || s.m == nil {
		return credential.Unmade("secret", "Secrets", store.KindSecret)
	}
	return s.m
}

// Issue makes a secret and stores it. The plaintext is for the account's owner:
// it is shown once and cannot be had again. Whether there is such an account, and
// what it may do, is not asked here but at each request: auth.Config.Accounts.
// Errors are [ErrRequest] and [store.ErrLimit].
func (s *Secrets) Issue(ctx context.Context, req Request) (auth.Plaintext, *store.Credential, error) {
	return s.made().Issue(ctx, req.credential())
}

// Import stores a secret that an earlier system made, so that it goes on
// working; only its digest is kept. It has 32 to 255 characters of A-Z a-z 0-9
// - . _ ~ + / and, at the end, =, and does not begin as those made here do, with
// [Config.Prefix] and an underscore. It must be random: an attacker can try
// millions a second against a stolen database, so what a person made up must
// not be imported. What is plainly guessable, with fewer than 8 different
// characters, is refused.
//
// The lifetime counts from now. [Config.AcceptImported] must be set. Errors
// are [ErrRequest], [store.ErrLimit] and, for one imported before,
// [store.ErrExists].
func (s *Secrets) Import(ctx context.Context, req Request, plaintext string) (*store.Credential, error) {
	return s.made().Import(ctx, req.credential(), plaintext)
}

// Rotate issues the successor of a secret in one step with the end of the old
// one, which stays valid for the overlap, at most until its own expiry; 0 ends
// it now. The successor has the same name, scopes, networks, data and Family,
// and from now the lifetime that the old one was given. Of several concurrent
// calls one succeeds. Errors are [store.ErrNotFound], [ErrRequest] and, for a
// secret that is revoked, expired or rotated already, [store.ErrConflict].
//
// A successor needs no room under [Config.Limit], so the overlap is not for a
// client to choose.
func (s *Secrets) Rotate(ctx context.Context, subject, id string, overlap time.Duration) (auth.Plaintext, *store.Credential, error) {
	return s.made().Rotate(ctx, subject, id, overlap)
}

// Revoke ends a secret, and every secret that it was rotated from or into, for
// every request that begins after it has returned. Tokens that it was exchanged for
// stay valid; bearer.Tokens.RevokeExchanged ends them. Revoking again is no error.
// The error is [store.ErrNotFound] if the account has no such secret.
func (s *Secrets) Revoke(ctx context.Context, subject, id string) error {
	return s.made().Revoke(ctx, subject, id)
}

// RevokeAll revokes all secrets of an account and returns how many were not
// revoked or expired before. The error is [ErrRequest] if subject
// is empty.
func (s *Secrets) RevokeAll(ctx context.Context, subject string) (int, error) {
	return s.made().RevokeAll(ctx, subject, "")
}

// RevokeFamily revokes a secret with all that it was rotated from and to, and so
// ends the client whose ID the family is: what is needed against a thief, who
// may have rotated the secret a moment ago. It returns how many were not revoked
// before: 0 if there is no such family. The error is [ErrRequest] if subject or
// family is empty.
func (s *Secrets) RevokeFamily(ctx context.Context, subject, family string) (int, error) {
	return s.made().RevokeFamily(ctx, subject, family)
}

// RevokeLeaked revokes a secret by its plaintext, for reports of leaks. The
// error is [store.ErrNotFound] if it is no secret of ours.
func (s *Secrets) RevokeLeaked(ctx context.Context, plaintext string) error {
	return s.made().RevokeLeaked(ctx, plaintext)
}

// List returns the newest 1000 secrets of an account, newest first, expired and
// revoked ones included until they are pruned. They must not be modified. The
// error is [ErrRequest] if subject is empty.
func (s *Secrets) List(ctx context.Context, subject string) ([]*store.Credential, error) {
	return s.made().List(ctx, subject, "", false)
}

// Pattern returns a regular expression, in the syntax of package regexp, that
// finds secrets in text, for secret scanners. Imported secrets have no form to
// find them by. It panics for zero Secrets.
func (s *Secrets) Pattern() string { return s.made().Pattern() }

// Verify returns whose secret this is, for secrets that come another way than
// in the Authorization header, in the body of a request for instance. The
// address decides whether a secret with Networks may be used; with the zero
// Addr it may not, and [Secrets.ClientAddr] tells it. No account is asked: that
// is what [auth.Guard.Check] does.
//
// The error wraps [auth.ErrInvalidCredentials] if plaintext is unknown,
// expired, revoked or used from elsewhere, [auth.ErrNoCredentials] if it has
// not even the form of a secret, and is an outage otherwise.
func (s *Secrets) Verify(ctx context.Context, plaintext string, addr netip.Addr) (*auth.Identity, error) {
	return s.made().Verify(ctx, plaintext, addr)
}

// AuthenticateClient is Verify for a client that names itself besides, as
// OAuth clients do (RFC 6749 section 2.3.1). The client's ID is the Family of
// its secret: it stays the same when the secret is rotated. The error wraps
// [auth.ErrInvalidCredentials] also for another client's ID and for what has not
// the form of a secret, and is an outage otherwise.
func (s *Secrets) AuthenticateClient(ctx context.Context, clientID, plaintext string, addr netip.Addr) (*auth.Identity, error) {
	return s.made().VerifyClient(ctx, clientID, plaintext, addr)
}

// ClientAddr returns the address that r comes from, with regard to
// [Config.TrustedProxies], or the zero Addr if it cannot be told.
func (s *Secrets) ClientAddr(r *http.Request) netip.Addr { return s.made().ClientAddr(r) }

// Authenticate implements [auth.Authenticator].
func (s *Secrets) Authenticate(r *http.Request) (*auth.Identity, error) {
	c, err := s.made().Presented(r)
	if err != nil {
		return nil, err
	}
	id := credential.IdentityOf(c)
	return &id, nil
}

// Identify is Authenticate for [auth.Guard]: it saves the memory for an identity.
func (s *Secrets) Identify(r *http.Request) (auth.Verified, error) {
	c, err := s.made().Presented(r)
	if err != nil {
		return nil, err
	}
	return credential.Verified(c), nil
}

// Itself returns s. [auth.Guard] tells by it whether Identify is s's or was
// promoted to a type that embeds s.
func (s *Secrets) Itself() auth.Authenticator { return s }

// Challenge implements [auth.Challenger], with the parameters of RFC 6750
// section 3.
func (s *Secrets) Challenge(reason error, scopes []string) auth.Challenge {
	return s.made().Challenge(reason, scopes)
}
