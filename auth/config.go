package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Config configures a [Guard].
type Config struct {
	_ [0]func()

	// Authenticators are the schemes that the Guard accepts, asked in this
	// order until one recognises or refuses the request; those that are
	// Ambient are asked last. At least one is required, and no two of the
	// others may challenge with the same scheme.
	Authenticators []Authenticator

	// Accounts, if set, is asked for the account of every request that was
	// authenticated. A disabled or unknown account is refused, and scopes
	// must be among the account's permissions too. Most services want it:
	// without it a credential stays as powerful as it was made.
	Accounts Accounts

	// Throttle, if set, limits failed attempts: package throttle has one. It
	// knows of requests alone, and not of what Check is given.
	Throttle Throttle

	// Refuse writes a refusal. The status is for it to write; challenges,
	// Cache-Control, Retry-After and Vary are set already. The default is
	// WriteProblem.
	Refuse func(w http.ResponseWriter, r *http.Request, e *Error)

	// Observe, if set, is told of every request that was authenticated or
	// refused, before the handler runs or the refusal is written. One that
	// Optional lets through without credentials is neither. It is called on
	// the request's goroutine and concurrently, so it must be quick.
	Observe func(ctx context.Context, ev Event)
}

// New returns a [Guard] for cfg, which it copies. The error names everything
// that is wrong with cfg at once.
func New(cfg Config) (*Guard, error) {
	g := &Guard{accounts: cfg.Accounts, throttle: cfg.Throttle, refuse: cfg.Refuse, observe: cfg.Observe}
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf("auth: "+format, a...)) }

	if len(cfg.Authenticators) == 0 {
		fail("Config.Authenticators: empty: at least one is required")
	}
	if isNilPointer(cfg.Accounts) {
		fail("Config.Accounts: a nil %T: leave the field out to have none", cfg.Accounts)
	}
	if isNilPointer(cfg.Throttle) {
		fail("Config.Throttle: a nil %T: leave the field out to have none", cfg.Throttle)
	}
	var vary []string
	for i, a := range cfg.Authenticators {
		if a == nil || isNilPointer(a) {
			fail("Config.Authenticators[%d]: nil: look at the error that its constructor has returned", i)
			continue
		}
		s := newScheme(a)
		if s.challenger != nil {
			if s.name() == "" {
				fail("Config.Authenticators[%d]: a %T whose challenge names no scheme: the zero value is of no use, its constructor makes one", i, a)
				continue
			}
			if err := s.validate(); err != nil {
				fail("Config.Authenticators[%d]: %w", i, err)
				continue
			}
			name := s.name()
			if !s.ambient && slices.ContainsFunc(g.schemes, func(o *scheme) bool { return strings.EqualFold(o.name(), name) }) {
				fail("Config.Authenticators[%d]: a second one for the scheme %s: the first would answer for every request of it, so make them one", i, name)
				continue
			}
		}
		g.schemes = append(g.schemes, s)
		header := "Authorization"
		if s.ambient {
			header = "Cookie"
		}
		if !slices.Contains(vary, header) {
			vary = append(vary, header)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	g.vary = []string{strings.Join(vary, ", ")}
	g.unavailable = newError(unavailable, nil)
	g.crossOrigin = newError(crossOrigin, nil)
	g.throttled = newError(throttled, nil)
	g.noCredentials = newError(noCredentials, g.challenges(nil, ErrNoCredentials))
	for _, s := range g.schemes {
		s.invalid = newError(invalidCredentials, g.challenges(s, ErrInvalidCredentials))
		s.malformed = newError(malformed, s.challenges(ErrMalformed, nil))
	}
	g.elsewhere = &scheme{
		invalid:   newError(invalidCredentials, g.challenges(nil, ErrInvalidCredentials)),
		malformed: newError(malformed, nil),
	}
	slices.SortStableFunc(g.schemes, func(a, b *scheme) int {
		switch {
		case a.ambient == b.ambient:
			return 0
		case b.ambient:
			return -1
		}
		return 1
	})
	return g, nil
}

// isNilPointer reports whether v holds a nil pointer or function: what a
// constructor returned together with an error that nobody looked at.
func isNilPointer(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}

// A scheme is an authenticator with its optional abilities, found once, and
// the refusals that are its own.
type scheme struct {
	identifier
	challenger         Challenger // nil: none
	responder          Responder  // nil: none
	ambient            bool
	malformed, invalid *Error
}

func newScheme(a Authenticator) *scheme {
	s := &scheme{identifier: identifies(a)}
	s.challenger, _ = a.(Challenger)
	s.responder, _ = a.(Responder)
	_, s.ambient = a.(Ambient)
	return s
}

var errNoIdentity = errors.New("auth: the authenticator returned neither an identity nor an error")

// identifies returns a itself if it is an identifier, or makes it one.
func identifies(a Authenticator) identifier {
	if i, ok := a.(identifier); ok && i.Itself() == a {
		return i
	}
	return other{a}
}

// other is an Authenticator that is no identifier.
type other struct{ a Authenticator }

func (o other) Itself() Authenticator { return o.a }

func (o other) Identify(r *http.Request) (Verified, error) {
	id, err := o.a.Authenticate(r)
	switch {
	case err != nil:
		return nil, err
	case id == nil:
		return nil, errNoIdentity
	case id.Subject == "":
		return nil, errNoSubject
	}
	return (*kept)(id), nil
}

// name returns the scheme of s's challenges, or "" where it has none.
func (s *scheme) name() string {
	if s.challenger == nil {
		return ""
	}
	return s.challenge(ErrNoCredentials, nil).Scheme
}

// validate returns an error if one of s's challenges cannot be sent.
func (s *scheme) validate() error {
	return cmp.Or(
		s.challenge(ErrNoCredentials, nil).validate(),
		s.challenge(ErrMalformed, nil).validate(),
		s.challenge(ErrInvalidCredentials, nil).validate(),
		s.challenge(ErrInsufficientScope, nil).validate(),
	)
}

// insufficient returns the refusal of an identity of s that lacks scopes.
func (s *scheme) insufficient(scopes []string) *Error {
	return newError(insufficientScope, s.challenges(ErrInsufficientScope, scopes))
}

func (s *scheme) challenge(reason error, scopes []string) Challenge {
	return s.challenger.Challenge(reason, scopes)
}

// challenges returns the line of s for a refusal that concerns it alone.
func (s *scheme) challenges(reason error, scopes []string) []string {
	if s.challenger == nil {
		return nil
	}
	return []string{s.challenge(reason, scopes).String()}
}

// challenges returns a line for every scheme, as a 401 has them. The reason is
// told for the scheme that refused alone.
func (g *Guard) challenges(refused *scheme, reason error) []string {
	var lines []string
	for _, s := range g.schemes {
		if s == refused {
			lines = append(lines, s.challenges(reason, nil)...)
		} else {
			lines = append(lines, s.challenges(ErrNoCredentials, nil)...)
		}
	}
	// Ambient schemes may share a name, two cookies for instance.
	lines = slices.Compact(lines)
	if lines == nil {
		lines = []string{"Custom"}
	}
	return slices.Clip(lines)
}
