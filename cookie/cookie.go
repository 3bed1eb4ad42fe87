// Package cookie authenticates browsers by signed and encrypted cookies, and
// protects the requests that carry one from being forged by other sites.
//
//	sessions, err := cookie.New(cookie.Config{
//		Keys:  []cookie.Key{key}, // from cookie.ParseKey
//		Store: store.NewMemory(), // optional
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{sessions}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /profile", guard.Require()(profile))
//	mux.Handle("POST /login", sessions.Protect(login)) // checks the password, then calls sessions.SignIn
//
// # With a store, and without
//
// With [Config.Store] a session is a row. Signing out, [Sessions.Revoke] and
// [Sessions.RevokeAll] end it everywhere at once, whoever has a copy of the
// cookie, and [Sessions.List] shows an account's devices. A request costs a
// lookup.
//
// Without one the cookie is the session. Nothing is kept on the server, so
// nothing can be looked up or revoked there: signing out makes this browser
// forget its cookie, and a copy of it stays good until the session's end or
// until it was idle for too long. A request of this browser's that was under way
// meanwhile may even bring a renewed cookie back. So have a store where signing
// out matters. What ends such sessions is
// [auth.Account.NotBefore] and Disabled, for all of an account's at once, and
// taking the key away, for everybody's.
//
// # Forged requests
//
// A browser attaches cookies to what other sites make it send, too. Where a
// cookie authenticates a request, one whose method is not GET, HEAD or OPTIONS,
// or that asks for another protocol such as WebSocket, must come from the
// service's own origin or one of [Config.TrustedOrigins];
// [net/http.CrossOriginProtection] says how that is told.
// Requests that a header authenticates are not affected. Handlers must not
// change anything on a GET.
package cookie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

const (
	defaultName = "__Host-session"

	// NIST SP 800-63B-4 section 2.2.3 has these for the middle of its three
	// levels of assurance.
	defaultLifetime    = 24 * time.Hour
	defaultIdleTimeout = time.Hour

	minIdleTimeout = time.Minute

	defaultLimit       = 100 // sessions
	defaultHourlyLimit = 1000
)

// ErrRequest is wrapped by errors about a [Request] with fields out of bounds, or
// an empty subject. It is one error for all schemes.
var ErrRequest = credential.ErrRequest

// Config configures [Sessions]. Only Keys is required.
type Config struct {
	_ [0]func()

	// Keys seal and open the cookies: the first one seals, each opens. To
	// change the key, put a new one first, and take the old one away when
	// the sessions of before have ended; those in use are sealed anew. With
	// several processes, each must have the new one, as the second, before
	// any has it first.
	Keys []Key

	// Store, if set, keeps the sessions. It may be shared with other
	// schemes. The package comment says what difference it makes.
	Store store.Store

	// Limit is how many sessions an account may have at once, with a Store.
	// Signing in ends the oldest one beyond that. The default is 100;
	// negative: no limit.
	Limit int

	// HourlyLimit is how many sessions an account may begin within an hour,
	// with a Store. SignIn returns store.ErrLimit beyond that: it bounds how
	// many rows a stolen password can make the store keep. The default is
	// 1000; negative: no limit.
	HourlyLimit int

	// Codec is how cookies are sealed. The default is SecureCookie. Another
	// codec opens none of the cookies of before.
	Codec Codec

	// Name is the cookie's name. The default is "__Host-session", whose
	// prefix makes browsers refuse the cookie from anybody but this very
	// host, or "session" with InsecureHTTP, Domain or another Path than "/".
	// It has at most 255 bytes.
	Name string

	// Domain, if set, makes browsers send the cookie to all subdomains of
	// it too. Every one of them can then use the session.
	Domain string

	// Path is where the cookie is sent. The default is "/". It keeps out
	// nobody: other paths of one host can read each other's cookies.
	Path string

	// SameSite is what browsers do with the cookie when another site sends
	// the request. The default is http.SameSiteLaxMode: it is sent with links
	// alone.
	SameSite http.SameSite

	// InsecureHTTP lets the cookie travel over plain HTTP, for whoever
	// listens. It is not needed for http://localhost in Chrome and Firefox.
	InsecureHTTP bool

	// Lifetime is how long a session lasts at most, from one minute to 365
	// days. The default is 24 hours.
	Lifetime time.Duration

	// IdleTimeout ends a session that was not used for so long, from a minute
	// to Lifetime. The default is one hour, or Lifetime if that is shorter;
	// negative: none. A cookie is renewed when a tenth of it has passed, so
	// it is exact to a tenth.
	IdleTimeout time.Duration

	// TrustedOrigins are other origins whose requests are accepted, such as
	// "https://app.example.com" for a front end with a host of its own. They
	// must match the Origin header exactly.
	TrustedOrigins []string

	// Realm is the realm of the WWW-Authenticate challenge, in printable
	// ASCII. The default is "api".
	Realm string

	// Observe, if set, is told of sessions that were SignedIn, SignedOut or
	// Revoked, and of requests that Protect has Refused. It is called
	// concurrently and should be quick.
	Observe func(ctx context.Context, ev auth.Event)
}

// New returns [Sessions] for cfg, which it copies. The error names everything
// that is wrong with cfg at once, a cookie that browsers would drop included.
func New(cfg Config) (*Sessions, error) {
	s := &Sessions{
		lifetime: cmp.Or(cfg.Lifetime, defaultLifetime),
		realm:    cmp.Or(cfg.Realm, "api"), observe: cfg.Observe,
		origins: http.NewCrossOriginProtection(),
	}
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf("cookie: Config."+format, a...)) }

	s.cookie = template(cfg, fail)
	if len(cfg.Keys) == 0 {
		fail("Keys: empty: cookie.NewKey() makes one, to be kept and read back with cookie.ParseKey")
	}
	if cfg.Codec > AEAD {
		fail("Codec: %d: must be cookie.SecureCookie or cookie.AEAD", cfg.Codec)
	}
	var raw [][keyLen]byte
	for i, k := range cfg.Keys {
		raw = append(raw, k.raw())
		if raw[i] == [keyLen]byte{} {
			fail("Keys[%d]: the zero Key: cookie.NewKey() makes one, and cookie.ParseKey reads one", i)
		}
		if j := slices.Index(raw, raw[i]); j < i {
			fail("Keys[%d]: the same as Keys[%d]: leave one of them out", i, j)
		}
		s.sealers = append(s.sealers, cfg.Codec.sealer(k, s.cookie.Name))
	}
	if s.lifetime < credential.MinLifetime || s.lifetime > credential.MaxLifetime {
		fail("Lifetime: %v: must be from %v to %v", s.lifetime, credential.MinLifetime, credential.MaxLifetime)
	}
	s.idle = cmp.Or(cfg.IdleTimeout, min(defaultIdleTimeout, s.lifetime))
	if s.idle > s.lifetime || s.idle > 0 && s.idle < minIdleTimeout {
		fail("IdleTimeout: %v: must be from %v to Lifetime, %v; negative for none", s.idle, minIdleTimeout, s.lifetime)
	}
	for i, origin := range cfg.TrustedOrigins {
		if err := s.origins.AddTrustedOrigin(origin); err != nil || !isOrigin(origin) {
			fail("TrustedOrigins[%d]: %q: must be like https://app.example.com, as browsers send it", i, origin)
		}
	}
	if !grammar.IsPrintable(cfg.Realm) {
		fail("Realm: %q: only printable ASCII can be sent in a header", cfg.Realm)
	}
	if v := reflect.ValueOf(cfg.Store); v.IsValid() && v.Kind() == reflect.Pointer && v.IsNil() {
		fail("Store: a nil %T: leave the field out to have none", cfg.Store)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Store == nil {
		return s, nil
	}
	var err error
	s.rows, err = credential.New(credential.Config{
		Package:     "cookie",
		Kind:        store.KindSession,
		Lifetime:    s.lifetime,
		Store:       cfg.Store,
		Prefix:      "ses",
		Limit:       cmp.Or(cfg.Limit, defaultLimit),
		EndOldest:   true,
		HourlyLimit: cmp.Or(cfg.HourlyLimit, defaultHourlyLimit),
		Observe:     s.observeRow,
	})
	return s, err
}

// template returns the cookie without its value, and tells fail what about it
// browsers would not accept: they drop such cookies without a word.
func template(cfg Config, fail func(format string, a ...any)) http.Cookie {
	c := http.Cookie{
		Name:     cfg.Name,
		Domain:   cfg.Domain,
		Path:     cmp.Or(cfg.Path, "/"),
		SameSite: cfg.SameSite,
		Secure:   !cfg.InsecureHTTP,
		HttpOnly: true,
	}
	if c.Name == "" {
		c.Name = defaultName
		if !c.Secure || c.Domain != "" || c.Path != "/" {
			c.Name = strings.TrimPrefix(defaultName, "__Host-")
		}
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if !grammar.IsToken(c.Name) {
		fail("Name: %q: must be a token: letters, digits and punctuation such as - and _, without spaces", c.Name)
	}
	if len(c.Name) > maxName {
		fail("Name: %d bytes: at most %d leave room for a value", len(c.Name), maxName)
	}
	if c.SameSite < http.SameSiteLaxMode || c.SameSite > http.SameSiteNoneMode {
		fail("SameSite: %d: must be http.SameSiteLaxMode, http.SameSiteStrictMode or http.SameSiteNoneMode", c.SameSite)
	}
	if c.SameSite == http.SameSiteNoneMode && !c.Secure {
		fail("SameSite: None needs Secure, which InsecureHTTP takes away: leave one of them out")
	}
	if c.Path[0] != '/' {
		fail("Path: %q: must begin with /", c.Path)
	}
	if err := c.Valid(); err != nil && grammar.IsToken(c.Name) {
		fail("Domain, Path: %q, %q: browsers would drop the cookie: %w", c.Domain, c.Path, err)
	}
	// RFC 6265bis section 4.1.3. Browsers compare prefixes in any case.
	switch name := strings.ToLower(c.Name); {
	case strings.HasPrefix(name, "__host-") && (!c.Secure || c.Domain != "" || c.Path != "/"):
		fail("Name: %q: __Host- needs Secure, the Path / and no Domain: choose another name, or leave InsecureHTTP, Path and Domain out", c.Name)
	case strings.HasPrefix(name, "__secure-") && !c.Secure:
		fail("Name: %q: __Secure- needs Secure, which InsecureHTTP takes away: choose another name, or leave that out", c.Name)
	case strings.HasPrefix(name, "__http-") && !c.Secure:
		fail("Name: %q: __Http- needs Secure, which InsecureHTTP takes away: choose another name, or leave that out", c.Name)
	}
	return c
}
