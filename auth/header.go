package auth

import (
	"net/http"
	"strings"

	"github.com/keystile/keystile/internal/grammar"
)

// maxAuthorization bounds an Authorization line, in bytes, before any work is
// done on it.
const maxAuthorization = 4096

// HeaderCredentials returns the credentials that the Authorization header
// carries for scheme, such as "Bearer". It is the one parser of that header:
// every scheme of this module uses it, and so should a scheme of the host's
// own that is written "Scheme credentials".
//
// The grammar is that of RFC 9110 section 11.4, without auth-params: the name
// of the scheme in any case, one or more spaces, and credentials made of
// token68 characters. The result is a part of the header's value, not a copy.
//
// It returns [ErrNoCredentials] if there is no Authorization header, an empty
// one, or one of another scheme. It returns [ErrMalformed] for more than one
// credential, be it in several lines or, where one of them is for this scheme,
// joined by a comma (RFC 9110 section 5.3), for a line longer than 4096 bytes,
// for control and non-ASCII characters anywhere, and for a scheme with no or
// malformed credentials.
func HeaderCredentials(h http.Header, scheme string) (string, error) {
	lines := h["Authorization"]
	if len(lines) == 0 {
		return "", ErrNoCredentials
	}
	if len(lines) > 1 || len(lines[0]) > maxAuthorization {
		return "", ErrMalformed
	}
	line := lines[0]
	if line == "" || line[0] <= ' ' || line[len(line)-1] <= ' ' {
		line = strings.Trim(line, " \t") // not part of the value, RFC 9110 section 5.5
	}
	if line == "" {
		return "", ErrNoCredentials
	}
	if rest, ok := cutScheme(line, scheme); ok {
		credentials := strings.TrimLeft(rest, " ")
		if len(credentials) == len(rest) || !grammar.IsToken68(credentials) {
			return "", ErrMalformed
		}
		return credentials, nil
	}
	if !grammar.IsPrintable(line) {
		return "", ErrMalformed
	}
	for part := range strings.SplitSeq(line, ",") {
		if _, ok := cutScheme(strings.TrimLeft(part, " "), scheme); ok {
			return "", ErrMalformed
		}
	}
	return "", ErrNoCredentials
}

// cutScheme returns what follows scheme in line, and whether line begins with
// that scheme rather than with a longer name.
func cutScheme(line, scheme string) (rest string, ok bool) {
	// EqualFold takes "ſ" for "s", but not in as many bytes.
	if len(line) < len(scheme) || line[:len(scheme)] != scheme && !strings.EqualFold(line[:len(scheme)], scheme) {
		return "", false
	}
	rest = line[len(scheme):]
	return rest, rest == "" || rest[0] == ' ' || !grammar.IsTokenChar(rest[0])
}
