// Package secret authenticates servers by client secrets, sent as
// "Authorization: Secret", and manages those secrets: issue, import, list,
// rotate, revoke.
//
//	secrets, err := secret.New(secret.Config{Store: store.NewMemory()})
//	if err != nil {
//		log.Fatal(err)
//	}
//	plain, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada", Name: "backend"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	fmt.Println(plain.Reveal()) // shown once, stored nowhere
//
//	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{secrets}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))
//
// A secret is what a server of a developer's keeps, to get tokens with
// (Exchange in package bearer). So it is for the few endpoints that issue
// tokens, behind an [auth.Guard] of their own, and an account has one or a few.
// It lives for 90 days unless another lifetime is asked for.
//
// "Secret" is not a registered authentication scheme; its grammar and its
// challenges are those of Bearer (RFC 6750).
package secret

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
	defaultLifetime    = 90 * 24 * time.Hour
	defaultLimit       = 5
	defaultHourlyLimit = 100
)

// ErrRequest is wrapped by errors that the caller is to blame for: a [Request]
// with fields out of bounds, a negative overlap, a plaintext that cannot be
// imported. Their text names each field, and holds nothing that whoever filled
// them in does not know. It is one error for all schemes.
var ErrRequest = credential.ErrRequest

// Config configures [Secrets]. Only Store is required.
type Config struct {
	_ [0]func()

	// Store keeps the secrets. It may be shared with other schemes.
	Store store.Store

	// Prefix begins every secret, before an underscore: 1 to 8 characters
	// of a-z and 0-9. The default is "sec". Secrets with another prefix are
	// recognised only as imported ones, so choose it once.
	Prefix string

	// Realm is the realm of the WWW-Authenticate challenge, in printable
	// ASCII. The default is "api".
	Realm string

	// Limit is how many active secrets an account may hold; Issue and Import
	// return store.ErrLimit beyond that. A secret that was rotated and lives on
	// in its overlap does not count. The default is 5; negative: no limit.
	Limit int

	// HourlyLimit is how many secrets an account may create within an hour,
	// ended ones included. Issue, Import and Rotate return store.ErrLimit beyond
	// that. The default is 100; negative: no limit.
	HourlyLimit int

	// AcceptImported accepts secrets that an earlier system made and Import
	// has stored. Every string that could be one then costs the store a
	// lookup.
	AcceptImported bool

	// Peppers, each of at least 32 random bytes, make digests useless to
	// whoever can read and write the store but does not know the peppers.
	// The first one makes the digests of new secrets, all of them find old
	// ones: to change the pepper, put a new one first, and remove the old
	// one when the secrets made with it have expired. With several processes,
	// each must have the new one, as the second, before any has it first.
	// Every further one costs unknown secrets another lookup.
	Peppers [][]byte

	// AcceptUnpeppered finds secrets made before there were Peppers, too.
	// Whoever can write to the store can then make a secret.
	AcceptUnpeppered bool

	// RevokeReused revokes all secrets of a rotation chain when one that was
	// rotated is presented after its overlap: it may have been copied, and nobody
	// can say who holds the copy (RFC 9700 section 4.14.2). The cost: a
	// server that missed the rotation has the same effect. Without it the
	// secret is refused and the event Reused tells of it.
	RevokeReused bool

	// LastUsedInterval is how exact the LastUsedAt of a secret is. It is
	// written at most once per secret and interval, about a second after the
	// request, and never holds a request up or fails it. The default is one
	// minute; at least a second; negative: never.
	LastUsedInterval time.Duration

	// TrustedProxies are the networks of reverse proxies whose
	// X-Forwarded-For header is to be believed, for secrets with Networks.
	// By default the client's address is that of the connection.
	TrustedProxies []netip.Prefix

	// Observe, if set, is told of secrets that were Issued, Rotated,
	// Revoked or Reused. It is called concurrently and should be quick.
	Observe func(ctx context.Context, ev auth.Event)
}

// New returns [Secrets] for cfg, which it copies. The error names everything
// that is wrong with cfg at once.
func New(cfg Config) (*Secrets, error) {
	m, err := credential.New(credential.Config{
		Package:          "secret",
		Kind:             store.KindSecret,
		Lifetime:         defaultLifetime,
		Store:            cfg.Store,
		Prefix:           cmp.Or(cfg.Prefix, "sec"),
		Realm:            cmp.Or(cfg.Realm, "api"),
		Limit:            cmp.Or(cfg.Limit, defaultLimit),
		HourlyLimit:      cmp.Or(cfg.HourlyLimit, defaultHourlyLimit),
		Peppers:          cfg.Peppers,
		AcceptUnpeppered: cfg.AcceptUnpeppered,
		AcceptImported:   cfg.AcceptImported,
		RevokeReused:     cfg.RevokeReused,
		LastUsedInterval: cfg.LastUsedInterval,
		TrustedProxies:   cfg.TrustedProxies,
		Observe:          cfg.Observe,
	})
	if err != nil {
		return nil, err
	}
	return &Secrets{m}, nil
}

// A Request asks for a secret. Only Subject is required.
type Request struct {
	// Subject is the account that the secret is for: at most 255 bytes of
	// UTF-8, without control characters.
	Subject string

	// Name is what the account calls the secret: as Subject, or empty.
	Name string

	// Scopes are what the secret may do, and so at most what the tokens may
	// do that it is exchanged for, each as RFC 6749 section 3.3 has it; at
	// most 100. Nil means auth.AllScopes: whatever the account may do. An
	// empty slice means nothing at all: mind the difference where a list is
	// put together, and make it with []string{} to begin with.
	Scopes []string

	// Lifetime is how long the secret is valid: from one minute to 365 days.
	// Zero means 90 days. Anything else is an error, and never clamped.
	Lifetime time.Duration

	// Networks are where the secret may be used from; at most 100. Nil means
	// anywhere, and an empty slice is an error.
	Networks []netip.Prefix

	// Data is kept with the secret, for the host's own use: at most 4096
	// bytes.
	Data []byte
}

func (r Request) credential() credential.Request {
	return credential.Request{
		Subject: r.Subject, Name: r.Name, Scopes: r.Scopes,
		Lifetime: r.Lifetime, Networks: r.Networks, Data: r.Data,
	}
}
