package auth

import (
	"errors"
	"net/http"
)

// An Authenticator recognises one kind of credential in a request. There are
// three outcomes, never two:
//
//   - an identity and no error: the request carries a valid credential;
//   - [ErrNoCredentials]: the request carries none of this kind, and the next
//     authenticator is asked;
//   - any other error: final, no other authenticator is asked. Those that the
//     client is to blame for wrap [ErrMalformed], [ErrInvalidCredentials],
//     [ErrCrossOrigin] or [ErrThrottled]; everything else is an outage.
//
// The identity may be shared between requests: the [Guard] copies it.
// Authenticate is called concurrently.
type Authenticator interface {
	Authenticate(r *http.Request) (*Identity, error)
}

// An AuthenticatorFunc is a function that is an [Authenticator].
type AuthenticatorFunc func(r *http.Request) (*Identity, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(r *http.Request) (*Identity, error) {
	if f == nil {
		return nil, errNilFunc
	}
	return f(r)
}

var errNilFunc = errors.New("auth: nil AuthenticatorFunc")

// Verified is what an authenticator of this module has verified, of which the
// identity is made for each who asks: so it needs no memory of its own, and
// nobody can change it for others.
type Verified interface {
	// Identity returns the same each time, always with a Subject. It is called
	// concurrently.
	Identity() Identity
}

// An identifier is an Authenticator that also answers with what it has verified:
// that saves the memory for an identity, and is why the schemes of this module
// have these methods.
//
// A host's type that embeds such a scheme has them too, by promotion, and may
// have an Authenticate of its own, which must not be passed over. So Itself
// returns the receiver, and Identify is used only where that is what the Guard
// was given.
type identifier interface {
	Identify(r *http.Request) (Verified, error)
	Itself() Authenticator
}

// Ambient marks an [Authenticator] whose credentials a browser attaches by
// itself: cookies, client certificates. The [Guard] asks those last, whatever
// their place in [Config], so that a refused header never falls through to a
// cookie. The method does nothing. A type that wraps one must be Ambient too:
// let it embed what it wraps.
type Ambient interface {
	Authenticator
	Ambient()
}

// A Challenger is an [Authenticator] that tells clients how to authenticate.
// Challenge returns the scheme's line of the WWW-Authenticate header for one
// reason to refuse: [ErrNoCredentials], [ErrMalformed], [ErrInvalidCredentials], or
// [ErrInsufficientScope] together with the scopes that were required. The answer
// must depend on its arguments alone: the [Guard] asks beforehand where it can,
// and keeps it. Challenge is called concurrently.
//
// RFC 9110 section 15.5.2 demands a challenge in every 401. Where no
// authenticator of a Guard is a Challenger the line is "Custom".
type Challenger interface {
	Challenge(reason error, scopes []string) Challenge
}

// A Responder is an [Authenticator] that has a say in the response: one that
// renews or clears a cookie. Respond is called once for each request that this
// authenticator recognised or refused, before the handler runs or the refusal
// is written; err is why it is refused and nil where it is not, and id is nil
// where nobody was recognised. It must only set headers, and is called
// concurrently. [Guard.Authenticate] has no response and does not call it.
type Responder interface {
	Respond(w http.ResponseWriter, r *http.Request, id *Identity, err error)
}
