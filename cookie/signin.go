package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// A Request asks for a session. Only Subject is required.
type Request struct {
	// Subject is the account that signs in: at most 255 bytes of UTF-8, without
	// control characters.
	Subject string

	// Scopes are what the session may do, each as RFC 6749 section 3.3 has
	// it; at most 100. Nil means auth.AllScopes: whatever the account may do.
	Scopes []string

	// Addr and UserAgent are kept for the list of devices, with a store.
	// The user agent is cut to 255 bytes.
	Addr      netip.Addr
	UserAgent string
}

const (
	// leaveTimeout bounds how long ending a session may take.
	leaveTimeout = 5 * time.Second

	// maxLeave bounds how many sessions one request can end. A browser has
	// one, or a few where cookies were set for several paths or domains; a
	// program could send thousands, each of which costs the store two calls.
	maxLeave = 16
)

var errTooLarge = fmt.Errorf("the cookie would be larger than the %d bytes that browsers keep", maxCookie)

// SignIn begins a session for the browser that sent r, and sets its cookie and
// "Cache-Control: no-store" on w, before anything is written. Call it when the password, or whatever there is,
// has been checked.
//
// It always makes a new session. The one that r belongs to, if any, ends, so
// that nobody can have planted it (session fixation).
//
// On an error nothing is set, though the session before may have ended. It wraps
// [auth.ErrCrossOrigin] if another site made the browser send r, [ErrRequest] if
// req is out of bounds or too large for a cookie, [store.ErrLimit] beyond
// [Config.HourlyLimit], [auth.ErrInvalidCredentials] if r has so many cookies that
// the previous session cannot be found, and is an outage otherwise.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, req Request) (*auth.Identity, error) {
	id, err := s.signIn(w, r, req)
	if err != nil {
		return nil, fmt.Errorf("cookie: sign in: %w", err)
	}
	return id, nil
}

func (s *Sessions) signIn(w http.ResponseWriter, r *http.Request, req Request) (*auth.Identity, error) {
	if err := s.checkOrigin(r); err != nil {
		return nil, err
	}
	row := credential.Request{Subject: req.Subject, Scopes: req.Scopes}
	if s.rows != nil {
		row.Data = device{req.Addr, req.UserAgent}.encode()
	}
	c, err := row.Credential(store.KindSession, s.lifetime)
	if err != nil {
		return nil, err
	}
	p := payload{created: c.CreatedAt, expires: c.ExpiresAt, seen: c.CreatedAt}
	var value string
	if s.rows == nil {
		c.ID = credential.NewID()
		p.id, p.subject, p.scopes = c.ID, c.Subject, c.Scopes
		if value, err = s.seal(&p); err != nil { // too large: before anything ends
			return nil, fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	if err := s.leave(r); err != nil {
		return nil, err
	}
	if s.rows == nil {
		s.tell(r.Context(), auth.SignedIn, c.Subject, c.ID)
	} else {
		plain, err := s.rows.Insert(r.Context(), c)
		if err != nil {
			return nil, err
		}
		p.plaintext = plain.Reveal()
		if value, err = s.seal(&p); err != nil {
			return nil, err
		}
	}
	end := s.end(&p)
	s.set(w, value, end.Sub(c.CreatedAt))
	return &auth.Identity{
		Subject: c.Subject, Scheme: scheme, Credential: c.ID, Scopes: c.Scopes,
		IssuedAt: c.CreatedAt, ExpiresAt: end,
	}, nil
}

// SignOut ends the session of the browser that sent r and clears its cookie,
// before anything is written. Without a session it does the same, so that a
// second click is no error.
//
// On an error nothing is cleared, so that it can be tried again. It wraps
// [auth.ErrCrossOrigin] if another site made the browser send r,
// [auth.ErrInvalidCredentials] if r has so many cookies that the session cannot be
// found, and is an outage otherwise.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) error {
	err := s.checkOrigin(r)
	if err == nil {
		err = s.leave(r)
	}
	if err != nil {
		return fmt.Errorf("cookie: sign out: %w", err)
	}
	s.set(w, "", -1)
	return nil
}

// leave ends the session that r belongs to, if any; where r has several cookies
// of the name, the sessions of all of them, up to maxLeave. Hanging up does not stop it.
func (s *Sessions) leave(r *http.Request) error {
	values := r.CookiesNamed(s.cookie.Name)
	if _, found, ok := find(r.Header, s.cookie.Name); found && !ok && len(values) == 0 {
		return fmt.Errorf("%w: too many cookies", auth.ErrInvalidCredentials)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), leaveTimeout)
	defer cancel()
	left := make(map[string]bool)
	for _, c := range values {
		var p payload
		if _, err := s.open(c.Value, &p); err != nil {
			continue
		}
		session := p.id + p.plaintext // one of which is empty
		if left[session] {
			continue // the same one, perhaps sealed at another time
		}
		if len(left) == maxLeave {
			return fmt.Errorf("%w: cookies of more than %d sessions", auth.ErrInvalidCredentials, maxLeave)
		}
		left[session] = true
		if s.rows == nil {
			s.tell(ctx, auth.SignedOut, p.subject, p.id)
			continue
		}
		row, changed, err := s.rows.RevokePresented(ctx, p.plaintext)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if changed {
			s.tell(ctx, auth.SignedOut, row.Subject, row.ID)
		}
	}
	return nil
}

func (s *Sessions) tell(ctx context.Context, what auth.EventType, subject, id string) {
	if s.observe != nil {
		s.observe(ctx, auth.Event{Type: what, Scheme: scheme, Subject: subject, Credential: id})
	}
}

// seal returns the value of a cookie that browsers keep.
func (s *Sessions) seal(p *payload) (string, error) {
	value, err := s.sealers[0].seal(p.encode())
	if err == nil && len(s.cookie.Name)+len(value) > maxCookie {
		err = errTooLarge
	}
	return value, err
}

// set sets the cookie on w, for a time, in place of one that was set already;
// without a time left the browser drops it.
func (s *Sessions) set(w http.ResponseWriter, value string, left time.Duration) {
	c := s.cookie
	c.Value = value
	c.MaxAge = -1
	if left >= time.Second {
		c.MaxAge = int(left / time.Second)
	}
	h := w.Header()
	lines := h["Set-Cookie"]
	kept := make([]string, 0, len(lines)+1)
	for _, line := range lines {
		if !strings.HasPrefix(line, c.Name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, c.String())
	h.Set("Cache-Control", "no-store")
}

// A device is what the list of devices shows of a session.
type device struct {
	addr      netip.Addr
	userAgent string
}

func (d device) encode() []byte {
	ua := strings.ToValidUTF8(d.userAgent, "\uFFFD")
	for len(ua) > 255 {
		_, n := utf8.DecodeLastRuneInString(ua)
		ua = ua[:len(ua)-n]
	}
	addr := ""
	if d.addr.IsValid() {
		addr = d.addr.WithZone("").String() // a zone can be of any length
	}
	return appendString(appendString(nil, addr), ua)
}

func decodeDevice(b []byte) device {
	d := decoder{s: string(b), ok: true}
	addr, _ := netip.ParseAddr(d.string())
	return device{addr, d.string()}
}
