package auth

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Why a request is refused. An [Authenticator] returns one of these, or an
// error that wraps one and says more; the [Guard] answers with the status in
// the comment. Any other error is an outage: 503.
var (
	ErrNoCredentials      = errors.New("auth: authentication is required")                // 401
	ErrMalformed          = errors.New("auth: the credentials are malformed")             // 400
	ErrInvalidCredentials = errors.New("auth: the credentials are not valid")             // 401
	ErrInsufficientScope  = errors.New("auth: the credentials do not allow this")         // 403
	ErrCrossOrigin        = errors.New("auth: cross-origin request refused")              // 403
	ErrThrottled          = errors.New("auth: too many failed attempts")                  // 429; an error that wraps it may have a method RetryAfter() time.Duration
	ErrUnavailable        = errors.New("auth: authentication is temporarily unavailable") // 503; what an outage is once the Guard has seen it

	// ErrUnknownAccount is for Accounts to return. The Guard refuses the
	// request as it does for ErrInvalidCredentials.
	ErrUnknownAccount = errors.New("auth: unknown account")
)

// A class is one row of the table of refusals.
type class struct {
	err        error
	status     int
	detail     string
	body       string // an application/problem+json document, RFC 9457
	retryAfter string // in seconds, RFC 9110 section 10.2.3
}

var (
	noCredentials = &class{err: ErrNoCredentials, status: http.StatusUnauthorized,
		detail: "Authentication is required.",
		body:   `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Authentication is required."}` + "\n"}
	malformed = &class{err: ErrMalformed, status: http.StatusBadRequest,
		detail: "The credentials are malformed.",
		body:   `{"type":"about:blank","title":"Bad Request","status":400,"detail":"The credentials are malformed."}` + "\n"}
	invalidCredentials = &class{err: ErrInvalidCredentials, status: http.StatusUnauthorized,
		detail: "The credentials are not valid.",
		body:   `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}` + "\n"}
	insufficientScope = &class{err: ErrInsufficientScope, status: http.StatusForbidden,
		detail: "The credentials do not allow this.",
		body:   `{"type":"about:blank","title":"Forbidden","status":403,"detail":"The credentials do not allow this."}` + "\n"}
	crossOrigin = &class{err: ErrCrossOrigin, status: http.StatusForbidden,
		detail: "Cross-origin request refused.",
		body:   `{"type":"about:blank","title":"Forbidden","status":403,"detail":"Cross-origin request refused."}` + "\n"}
	throttled = &class{err: ErrThrottled, status: http.StatusTooManyRequests,
		detail:     "Too many failed attempts.",
		body:       `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Too many failed attempts."}` + "\n",
		retryAfter: "60"}
	unavailable = &class{err: ErrUnavailable, status: http.StatusServiceUnavailable,
		detail:     "Authentication is temporarily unavailable.",
		body:       `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Authentication is temporarily unavailable."}` + "\n",
		retryAfter: "5"}
)

// classify returns the row of an authenticator's error. One that wraps several
// of them is ErrNoCredentials only if it is nothing else: it must not fall
// through to the next authenticator.
func classify(err error) *class {
	// Nearly every refusal is one of ours, or wraps one and nothing else. The
	// comparisons spare it most of errors.Is, which takes longer than the rest.
	direct := errors.Unwrap(err)
	for _, c := range [...]*class{invalidCredentials, malformed, insufficientScope, crossOrigin, throttled, noCredentials} {
		if err == c.err || direct == c.err && c != noCredentials {
			return c
		}
	}
	for _, c := range [...]*class{malformed, invalidCredentials, insufficientScope, crossOrigin, throttled, noCredentials} {
		if errors.Is(err, c.err) {
			return c
		}
	}
	return unavailable
}

// An Error is a refusal as the client may see it. It says nothing of the
// request and nothing of the cause, which goes to [Config.Observe]. Errors are
// shared between requests and immutable.
//
// [errors.Is] matches it with one of the errors of this package:
// [ErrUnavailable] where the cause is an outage, and for a nil or zero Error.
type Error struct {
	class      *class
	challenges []string // WWW-Authenticate lines
	retryAfter []string
}

func newError(c *class, challenges []string) *Error {
	e := &Error{class: c, challenges: challenges}
	if c.retryAfter != "" {
		e.retryAfter = []string{c.retryAfter}
	}
	return e
}

// withRetryAfter returns e with the Retry-After that err asks for, rounded up
// to seconds.
func (e *Error) withRetryAfter(err error) *Error {
	var wait interface{ RetryAfter() time.Duration }
	if !errors.As(err, &wait) {
		return e
	}
	seconds := math.Ceil(max(wait.RetryAfter(), 0).Seconds())
	return &Error{e.class, e.challenges, []string{strconv.FormatInt(int64(seconds), 10)}}
}

// kind returns the row that e is of.
func (e *Error) kind() *class {
	if e == nil || e.class == nil {
		return unavailable
	}
	return e.class
}

// Error returns the text of the error that e is.
func (e *Error) Error() string { return e.kind().err.Error() }

// Unwrap returns the error of this package that e is.
func (e *Error) Unwrap() error { return e.kind().err }

// Status returns the HTTP status.
func (e *Error) Status() int { return e.kind().status }

// Detail returns a sentence for the client. It is the same for every error of
// one kind.
func (e *Error) Detail() string { return e.kind().detail }

// WriteProblem writes e as a response: the status, the WWW-Authenticate and
// Retry-After lines, "Cache-Control: no-store", and a body of the type
// application/problem+json (RFC 9457), left out for a HEAD request. It is what a
// [Guard] does by default, and what a host that calls [Guard.Authenticate] does
// with the error; Vary is then for the host to set. A nil e is [ErrUnavailable].
func WriteProblem(w http.ResponseWriter, r *http.Request, e *Error) {
	if e == nil || e.class == nil {
		e = newError(unavailable, nil)
	}
	h := w.Header()
	e.setHeader(h)
	h["Content-Type"] = problemJSON
	w.WriteHeader(e.Status())
	if r.Method != http.MethodHead {
		io.WriteString(w, e.kind().body)
	}
}

// Values of response headers, shared by all responses. Each has no room to
// grow, so whoever appends to one makes a copy.
var (
	problemJSON = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
)

// setHeader sets what belongs to e whatever its body is.
func (e *Error) setHeader(h http.Header) {
	h["Cache-Control"] = noStore
	if e.challenges != nil {
		h["Www-Authenticate"] = e.challenges
	}
	if e.retryAfter != nil {
		h["Retry-After"] = e.retryAfter
	}
}
