package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

const (
	scheme = credential.SchemeCookie

	// maxSkew is how far in the future a stamp may be that another machine
	// of the service has made.
	maxSkew = time.Minute
)

// Sessions authenticates requests by cookies and manages the sessions. Make it
// with [New]; the zero Sessions refuse everything with an error that is an
// outage, but Protect and Respond, which return none, panic. It is an [auth.Authenticator], [auth.Ambient], an [auth.Challenger]
// and an [auth.Responder], and safe for concurrent use.
type Sessions struct {
	cookie   http.Cookie // without a value
	sealers  []sealer    // the first one seals
	lifetime time.Duration
	idle     time.Duration // negative: none
	realm    string
	origins  *http.CrossOriginProtection
	observe  func(context.Context, auth.Event)
	rows     *credential.Manager // nil: the cookie is the session
}

var (
	_ auth.Ambient    = (*Sessions)(nil)
	_ auth.Challenger = (*Sessions)(nil)
	_ auth.Responder  = (*Sessions)(nil)
)

var errUnmade = errors.New("cookie: the Sessions were not made by New")

// made returns an error if New has not made s.
func (s *Sessions) made() error {
	if s == nil || s.origins == nil {
		return errUnmade
	}
	return nil
}

// Authenticate implements [auth.Authenticator].
func (s *Sessions) Authenticate(r *http.Request) (*auth.Identity, error) {
	id := new(auth.Identity)
	if err := s.authenticate(r, id); err != nil {
		return nil, err
	}
	return id, nil
}

// Identify is Authenticate for [auth.Guard], with the identity in the context
// that it needs: it saves an allocation.
func (s *Sessions) Identify(r *http.Request) (auth.Verified, error) {
	var id auth.Identity
	if err := s.authenticate(r, &id); err != nil {
		return nil, err
	}
	v, _ := auth.NewContext(r.Context(), &id).(auth.Verified)
	return v, nil
}

// Itself returns s. [auth.Guard] tells by it whether Identify is s's or was
// promoted to a type that embeds s.
func (s *Sessions) Itself() auth.Authenticator { return s }

// Ambient implements [auth.Ambient].
func (s *Sessions) Ambient() {}

// Challenge implements [auth.Challenger]. "Cookie" is not a registered scheme,
// but a 401 needs a challenge, and there is no other for cookies.
func (s *Sessions) Challenge(reason error, scopes []string) auth.Challenge {
	if s.made() != nil {
		return auth.Challenge{} // which auth.New refuses
	}
	return credential.Challenge(scheme, s.realm, reason, scopes)
}

// authenticate sets *id to who r is from. Its ExpiresAt is the moment at which
// the cookie ends if it is not renewed.
func (s *Sessions) authenticate(r *http.Request, id *auth.Identity) error {
	if err := s.made(); err != nil {
		return err
	}
	value, found, ok := find(r.Header, s.cookie.Name)
	switch {
	case !found:
		return auth.ErrNoCredentials
	case !ok:
		return invalid("too many cookies, or several different ones of this name")
	}
	if err := s.checkOrigin(r); err != nil {
		return err
	}
	var p payload
	if _, err := s.open(value, &p); err != nil {
		return err
	}
	end := s.end(&p)
	if err := check(&p, end, time.Now()); err != nil {
		return err
	}
	if !p.stored() {
		id.Subject, id.Scheme, id.Credential, id.Scopes = p.subject, scheme, p.id, grammar.Granted(p.scopes)
		id.IssuedAt = p.created
	} else if c, err := s.rows.Valid(r, p.plaintext); err == auth.ErrNoCredentials {
		return invalid("sealed by us, but not around a plaintext of ours")
	} else if err != nil {
		return err
	} else {
		*id = credential.IdentityOf(c)
	}
	id.ExpiresAt = end
	return nil
}

// open sets *p to the payload of a cookie's value and returns which key opened
// it.
func (s *Sessions) open(value string, p *payload) (key int, err error) {
	for i, sealer := range s.sealers {
		b, err := sealer.open(value)
		if err != nil {
			continue
		}
		if !p.decode(b) || p.stored() != (s.rows != nil) {
			return 0, invalid("sealed by us, but not a session of this configuration")
		}
		return i, nil
	}
	return 0, invalid(errOpen.Error())
}

// check decides whether a session that ends at end is still on, as far as its
// cookie tells.
func check(p *payload, end, now time.Time) error {
	latest := now.Add(maxSkew)
	switch {
	case p.created.After(latest) || p.seen.After(latest):
		return invalid("made in the future")
	case now.Before(end):
		return nil
	case p.stored():
		return invalid("expired")
	}
	return credential.Check(&store.Credential{ID: p.id, Subject: p.subject, ExpiresAt: end}, now)
}

// end returns when a session ends if its cookie is not renewed: never later
// than what was sealed, nor than the lifetime that is configured now.
func (s *Sessions) end(p *payload) time.Time {
	end := earlier(p.expires, p.created.Add(s.lifetime))
	if s.idle > 0 {
		end = earlier(end, p.seen.Add(s.idle))
	}
	return end
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func invalid(why string) error { return fmt.Errorf("%w: cookie: %s", auth.ErrInvalidCredentials, why) }

// Respond implements [auth.Responder]. It renews a cookie that is due, seals one
// of an old key under the new one, and clears one that is invalid. A host that
// uses [auth.Guard.Authenticate], which has no response, has to call it, or
// sessions end after IdleTimeout.
func (s *Sessions) Respond(w http.ResponseWriter, r *http.Request, id *auth.Identity, err error) {
	if err := s.made(); err != nil {
		panic(err)
	}
	if err != nil {
		if errors.Is(err, auth.ErrInvalidCredentials) {
			s.set(w, "", -1)
		}
		return
	}
	now := time.Now()
	due := s.due(id, now)
	if !due && len(s.sealers) == 1 {
		return
	}
	value, _, _ := find(r.Header, s.cookie.Name)
	var p payload
	key, err := s.open(value, &p)
	if err != nil || !due && key == 0 {
		return
	}
	end := s.end(&p)
	p.seen = now
	if key == 0 && !s.end(&p).After(end) {
		return // sealed to end then, under a shorter Lifetime
	}
	// A cookie that cannot be sealed again is as good as it was.
	if value, err := s.seal(&p); err == nil {
		s.set(w, value, s.end(&p).Sub(now))
	}
}

// due reports whether a tenth of the idle time has passed, unless the session
// is about to end anyway.
func (s *Sessions) due(id *auth.Identity, now time.Time) bool {
	if s.idle < 0 || !id.ExpiresAt.Before(id.IssuedAt.Add(s.lifetime)) {
		return false
	}
	return now.Sub(id.ExpiresAt.Add(-s.idle)) >= s.idle/10
}
