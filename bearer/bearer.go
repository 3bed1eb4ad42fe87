// Package bearer authenticates requests by personal access tokens, sent as
// "Authorization: Bearer" (RFC 6750 section 2.1), and manages those tokens:
// issue, list, rotate, revoke.
//
//	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
//	if err != nil {
//		log.Fatal(err)
//	}
//	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "ci"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	fmt.Println(plain.Reveal()) // shown once, stored nowhere
//
//	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))
//
// A token is opaque: 40 random characters between a prefix and a checksum. A
// store keeps its digest and what it may do, so revoking it holds from the
// next request on, and whoever reads the database learns no token. By default
// a token may do all that its account may, for 24 hours.
//
// Only the header counts. A token in the query or in a form is not looked at:
// it would end up in logs and histories (RFC 9700 section 4.3.2).
package bearer

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

const (
	defaultLifetime    = 24 * time.Hour
	defaultLimit       = 1000
	defaultHourlyLimit = 1000
)

// ErrRequest is wrapped by errors that the caller is to blame for: a [Request]
// with fields out of bounds, a negative overlap. Their text names each field,
// and holds nothing that whoever filled them in does not know. It is one error
// for all schemes.
var ErrRequest = credential.ErrRequest

// Config configures [Tokens]. Only Store is required.
type Config struct {
	_ [0]func()

	// Store keeps the tokens. It may be shared with other schemes.
	Store store.Store

	// Prefix begins every token, before an underscore: 1 to 8 characters
	// of a-z and 0-9. The default is "pat". Tokens with another prefix are not
	// recognised, so choose it once.
	Prefix string

	// Realm is the realm of the WWW-Authenticate challenge, in printable
	// ASCII. The default is "api".
	Realm string

	// ResourceMetadata, if set, is the URL of the metadata of this API, RFC
	// 9728, which the challenge then names (section 5.1) so that clients
	// learn where to get tokens. It is absolute, with https or, for
	// localhost, http.
	ResourceMetadata string

	// Limit is how many tokens may be active at once: those that an account
	// has issued, and apart from these, those that each client of it has
	// exchanged. Issue and Exchange return store.ErrLimit beyond that. A token
	// that was rotated and lives on in its overlap does not count. The default is
	// 1000; negative: no limit.
	Limit int

	// HourlyLimit is how many tokens may be created within an hour, ended ones
	// included, counted as for Limit. Issue, Exchange and Rotate return
	// store.ErrLimit beyond that. It bounds how many rows an account can make
	// the store keep. The default is 1000; negative: no limit.
	HourlyLimit int

	// Peppers, each of at least 32 random bytes, make digests useless to
	// whoever can read and write the store but does not know the peppers.
	// The first one makes the digests of new tokens, all of them find old
	// ones: to change the pepper, put a new one first, and remove the old
	// one when the tokens made with it have expired. With several processes,
	// each must have the new one, as the second, before any has it first.
	// Every further one costs unknown tokens another lookup.
	Peppers [][]byte

	// AcceptUnpeppered finds tokens made before there were Peppers, too.
	// Whoever can write to the store can then make a token.
	AcceptUnpeppered bool

	// RevokeReused revokes all tokens of a rotation chain when one that was
	// rotated is presented after its overlap: it may have been copied, and nobody
	// can say who holds the copy (RFC 9700 section 4.14.2). The cost: a
	// client of the host that missed the rotation has the same effect.
	// Without it the token is refused and the event Reused tells of it.
	RevokeReused bool

	// LastUsedInterval is how exact the LastUsedAt of a token is. It is
	// written at most once per token and interval, about a second after the
	// request, and never holds a request up or fails it. The default is one
	// minute; at least a second; negative: never.
	LastUsedInterval time.Duration

	// TrustedProxies are the networks of reverse proxies whose
	// X-Forwarded-For header is to be believed, for tokens with Networks.
	// By default the client's address is that of the connection.
	TrustedProxies []netip.Prefix

	// Observe, if set, is told of tokens that were Issued, Rotated,
	// Revoked or Reused. It is called concurrently and should be quick.
	Observe func(ctx context.Context, ev auth.Event)
}

// New returns [Tokens] for cfg, which it copies. The error names everything
// that is wrong with cfg at once.
func New(cfg Config) (*Tokens, error) {
	m, err := credential.New(credential.Config{
		Package:          "bearer",
		Kind:             store.KindToken,
		Lifetime:         defaultLifetime,
		Store:            cfg.Store,
		Prefix:           cmp.Or(cfg.Prefix, "pat"),
		Realm:            cmp.Or(cfg.Realm, defaultRealm),
		ResourceMetadata: cfg.ResourceMetadata,
		Limit:            cmp.Or(cfg.Limit, defaultLimit),
		HourlyLimit:      cmp.Or(cfg.HourlyLimit, defaultHourlyLimit),
		Peppers:          cfg.Peppers,
		AcceptUnpeppered: cfg.AcceptUnpeppered,
		RevokeReused:     cfg.RevokeReused,
		LastUsedInterval: cfg.LastUsedInterval,
		TrustedProxies:   cfg.TrustedProxies,
		Observe:          cfg.Observe,
	})
	if err != nil {
		return nil, err
	}
	return &Tokens{m}, nil
}

// A Request asks for a token. Only Subject is required.
type Request struct {
	// Subject is the account that the token is for: at most 255 bytes of
	// UTF-8, without control characters.
	Subject string

	// Name is what the account calls the token: as Subject, or empty.
	Name string

	// Scopes are what the token may do, each as RFC 6749 section 3.3 has it;
	// at most 100. Nil means auth.AllScopes: whatever the account may do. An
	// empty slice means nothing at all: mind the difference where a list is
	// put together, and make it with []string{} to begin with.
	Scopes []string

	// Lifetime is how long the token is valid: from one minute to 365 days.
	// Zero means 24 hours. Anything else is an error, and never clamped.
	Lifetime time.Duration

	// Networks are where the token may be used from; at most 100. Nil means
	// anywhere, and an empty slice is an error.
	Networks []netip.Prefix

	// ClientID is the client that the token is issued to, if any: Exchange
	// sets it to the Family of the client's secret. RevokeExchanged revokes
	// tokens by it. As Subject, or empty.
	ClientID string

	// Data is kept with the token, for the host's own use: at most 4096
	// bytes.
	Data []byte
}
