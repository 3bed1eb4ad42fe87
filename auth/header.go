package auth

import (
	"net/http"
	"strings"
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
// credential, be it in several lines or joined by a comma (RFC 9110 section
// 5.3), for a line longer than 4096 bytes, for control and non-ASCII
// characters anywhere, and for a scheme with no or malformed credentials.
func HeaderCredentials(h http.Header, scheme string) (string, error) {
	lines := h["Authorization"]
	if len(lines) == 0 {
		return "", ErrNoCredentials
	}
	if len(lines) > 1 || len(lines[0]) > maxAuthorization {
		return "", ErrMalformed
	}
	line := strings.Trim(lines[0], " \t") // not part of the value, RFC 9110 section 5.5
	if line == "" {
		return "", ErrNoCredentials
	}
	if rest, ok := cutScheme(line, scheme); ok {
		credentials := strings.TrimLeft(rest, " ")
		if len(credentials) == len(rest) || !isToken68(credentials) {
			return "", ErrMalformed
		}
		return credentials, nil
	}
	for i := range len(line) {
		if c := line[i]; c < ' ' || c > '~' {
			return "", ErrMalformed
		}
	}
	for _, part := range strings.Split(line, ",")[1:] {
		if _, ok := cutScheme(strings.TrimLeft(part, " "), scheme); ok {
			return "", ErrMalformed
		}
	}
	return "", ErrNoCredentials
}

// cutScheme returns what follows scheme in line, and whether line begins with
// that scheme rather than with a longer name.
func cutScheme(line, scheme string) (rest string, ok bool) {
	if len(line) < len(scheme) || !equalFold(line[:len(scheme)], scheme) {
		return "", false
	}
	rest = line[len(scheme):]
	return rest, rest == "" || !isTokenChar(rest[0])
}

// equalFold compares strings of one length without regard to the case of ASCII
// letters. strings.EqualFold would take "ſecret" for "secret".
func equalFold(a, b string) bool {
	for i := range len(b) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// isToken68 reports whether s is a token68: RFC 9110 section 11.2.
func isToken68(s string) bool {
	i := 0
	for i < len(s) && token68[s[i]] {
		i++
	}
	return i > 0 && strings.Trim(s[i:], "=") == ""
}

// token68 holds the characters of a token68, but for its padding.
var token68 = [256]bool{
	'-': true, '.': true, '_': true, '~': true, '+': true, '/': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true,
	'K': true, 'L': true, 'M': true, 'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true,
	'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true,
	'k': true, 'l': true, 'm': true, 'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true,
	'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
}

// isTokenChar reports whether c may stand in a token, the name of a scheme for
// instance: RFC 9110 section 5.6.2.
func isTokenChar(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9' || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
