package bearer

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

const (
	scheme       = credential.SchemeBearer
	defaultRealm = "api"
)

// Tokens authenticates requests by personal access tokens and manages them.
// Make it with [New]; the zero Tokens refuse everything with an error that is an
// outage. It is an [auth.Authenticator], an [auth.Challenger] and a [Verifier],
// and safe for concurrent use.
//
// Methods that take a subject never reach the token of another account: its ID
// is not found. Errors of the store are wrapped: [store.ErrNotFound],
// [store.ErrLimit] and [store.ErrConflict] where a method says so, anything
// else is an outage. What Issue, Exchange and Rotate return is the caller's.
type Tokens struct{ m *credential.Manager }

var (
	_ auth.Authenticator = (*Tokens)(nil)
	_ auth.Challenger    = (*Tokens)(nil)
	_ Verifier           = (*Tokens)(nil)
)

// made returns the Manager of t, or one that refuses everything if New has not
// made t.
func (t *Tokens) made() *credential.Manager {
	if t == nil || t.m == nil {
		return credential.Unmade("bearer", "Tokens", store.KindToken)
	}
	return t.m
}

// Issue makes a token and stores it. The plaintext is for the account's owner:
// it is shown once and cannot be had again. Whether there is such an account, and
// what it may do, is not asked here but at each request: auth.Config.Accounts.
// Errors are [ErrRequest] and [store.ErrLimit].
func (t *Tokens) Issue(ctx context.Context, req Request) (auth.Plaintext, *store.Credential, error) {
	return t.made().Issue(ctx, credential.Request(req))
}

// Exchange makes a token for whoever presented a client secret: from is the
// identity that the secret authenticated as, and the secret is in the same
// store. The token stands for the secret: req.Subject is taken from it, and
// req.ClientID is its Family, so it stays the same when the secret is rotated. The
// token may do no more: its scopes must be among those of the secret, and nil
// means all of them; its networks must be within those of the secret, and nil
// means the same. Without a name it has that of the secret. It may outlive the
// secret; [Tokens.RevokeExchanged] ends it.
//
// A secret that has expired or was revoked since from was made issues nothing.
// Neither do other credentials: a token that could make tokens would never end,
// and a host that wants that uses Issue. Whether the account may still sign in
// is for an [auth.Guard] to say, in front or by [auth.Guard.Check]. Package
// endpoint has all of it as an HTTP handler. Errors are [ErrRequest],
// [auth.ErrInvalidCredentials], [auth.ErrInsufficientScope] and
// [store.ErrLimit].
func (t *Tokens) Exchange(ctx context.Context, from *auth.Identity, req Request) (auth.Plaintext, *store.Credential, error) {
	return t.made().Exchange(ctx, from, credential.Request(req))
}

// Rotate issues the successor of a token in one step with the end of the old
// one, which stays valid for the overlap, at most until its own expiry; 0 ends
// it now. The successor has the same name, scopes, networks and data, and from
// now the lifetime that the old one was given. Of several concurrent calls one
// succeeds. Errors are [store.ErrNotFound], [ErrRequest] and, for a token that
// is revoked, expired or rotated already, [store.ErrConflict].
//
// A successor needs no room under [Config.Limit], so the overlap is not for a
// client to choose.
func (t *Tokens) Rotate(ctx context.Context, subject, id string, overlap time.Duration) (auth.Plaintext, *store.Credential, error) {
	return t.made().Rotate(ctx, subject, id, overlap)
}

// Revoke ends a token, and every token that it was rotated from or into, for every
// request that begins after it has returned. Revoking again is no error. The error
// is [store.ErrNotFound] if the account has no such token.
func (t *Tokens) Revoke(ctx context.Context, subject, id string) error {
	return t.made().Revoke(ctx, subject, id)
}

// RevokeAll revokes all tokens of an account and returns how many were not
// revoked or expired before. The error is [ErrRequest] if subject
// is empty.
func (t *Tokens) RevokeAll(ctx context.Context, subject string) (int, error) {
	return t.made().RevokeAll(ctx, subject, "")
}

// RevokeFamily revokes a token with all that it was rotated from and to: what is
// needed against a thief, who may have rotated it a moment ago. It returns how
// many were not revoked before: 0 if there is no such family. The error is
// [ErrRequest] if subject or family is empty.
func (t *Tokens) RevokeFamily(ctx context.Context, subject, family string) (int, error) {
	return t.made().RevokeFamily(ctx, subject, family)
}

// RevokeExchanged revokes the tokens that a client got for its secret, before
// and after rotations of it, and returns how many were not revoked before. The
// client's ID is the Family of the secret. To end the client too, revoke its
// secrets first, by RevokeFamily of package secret: then no token is exchanged
// in between. The error is [ErrRequest] if subject or clientID is empty.
func (t *Tokens) RevokeExchanged(ctx context.Context, subject, clientID string) (int, error) {
	return t.made().RevokeExchanged(ctx, subject, clientID)
}

// RevokeLeaked revokes a token by its plaintext, for reports of leaks. The
// error is [store.ErrNotFound] if it is no token of ours.
func (t *Tokens) RevokeLeaked(ctx context.Context, plaintext string) error {
	return t.made().RevokeLeaked(ctx, plaintext)
}

// Lookup returns the token with this plaintext, valid or not: whose it is, and
// what it was for. It is for reports of leaks and the like; to let somebody in,
// use [Tokens.Verify]. It must not be modified. The error is [store.ErrNotFound]
// if it is no token of ours.
func (t *Tokens) Lookup(ctx context.Context, plaintext string) (*store.Credential, error) {
	return t.made().Lookup(ctx, plaintext)
}

// List returns the newest 1000 tokens that an account has issued, newest first,
// expired and revoked ones included until they are pruned. They must not be
// modified. An account with more is read by pages from the store, with
// [store.Query]. The error is [ErrRequest] if subject is empty.
func (t *Tokens) List(ctx context.Context, subject string) ([]*store.Credential, error) {
	return t.made().List(ctx, subject, "", false)
}

// ListExchanged returns the newest 1000 tokens that were exchanged for secrets of
// one client of an account, as List does.
func (t *Tokens) ListExchanged(ctx context.Context, subject, clientID string) ([]*store.Credential, error) {
	return t.made().List(ctx, subject, clientID, false)
}

// ListActive returns the newest 1000 tokens of an account that are neither expired
// nor revoked, whether it has issued them or a client has exchanged them.
func (t *Tokens) ListActive(ctx context.Context, subject string) ([]*store.Credential, error) {
	return t.made().List(ctx, subject, store.AnyClient, true)
}

// Pattern returns a regular expression, in the syntax of package regexp, that
// finds tokens in text, for secret scanners. It panics for zero Tokens.
func (t *Tokens) Pattern() string { return t.made().Pattern() }

// Verify implements [Verifier]: it returns whose token this is, for calls that
// are not HTTP requests. The address decides whether a token with Networks may
// be used; with the zero Addr it may not. No account is asked: that is what
// [auth.Guard.Check] does.
//
// The error wraps [auth.ErrNoCredentials] if plaintext has not the form of a
// token, [auth.ErrInvalidCredentials] if it is unknown, expired, revoked or used
// from elsewhere, and is an outage otherwise.
func (t *Tokens) Verify(ctx context.Context, plaintext string, addr netip.Addr) (*auth.Identity, error) {
	return t.made().Verify(ctx, plaintext, addr)
}

// Authenticate implements [auth.Authenticator].
func (t *Tokens) Authenticate(r *http.Request) (*auth.Identity, error) {
	c, err := t.made().Presented(r)
	if err != nil {
		return nil, err
	}
	id := credential.IdentityOf(c)
	return &id, nil
}

// Identify is Authenticate for [auth.Guard]: it saves the memory for an identity.
func (t *Tokens) Identify(r *http.Request) (auth.Verified, error) {
	c, err := t.made().Presented(r)
	if err != nil {
		return nil, err
	}
	return credential.Verified(c), nil
}

// Itself returns t. [auth.Guard] tells by it whether Identify is t's or was
// promoted to a type that embeds t.
func (t *Tokens) Itself() auth.Authenticator { return t }

// Challenge implements [auth.Challenger], with the parameters of RFC 6750
// section 3.
func (t *Tokens) Challenge(reason error, scopes []string) auth.Challenge {
	return t.made().Challenge(reason, scopes)
}
