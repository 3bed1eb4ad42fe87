// Package grammar recognises the few productions of the HTTP and OAuth
// specifications that credentials are made of.
package grammar

import "strings"

// IsToken68 reports whether s is a token68: RFC 9110 section 11.2. It is asked
// for every request, and looks at eight characters at a time.
func IsToken68(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		c := s[i : i+8]
		if token68[c[0]]&token68[c[1]]&token68[c[2]]&token68[c[3]]&token68[c[4]]&token68[c[5]]&token68[c[6]]&token68[c[7]] == 0 {
			break
		}
	}
	for i < len(s) && token68[s[i]] != 0 {
		i++
	}
	return i > 0 && (i == len(s) || strings.Trim(s[i:], "=") == "")
}

// token68 is 1 for the characters of a token68, but for its padding.
var token68 = [256]uint8{
	'-': 1, '.': 1, '_': 1, '~': 1, '+': 1, '/': 1,
	'0': 1, '1': 1, '2': 1, '3': 1, '4': 1, '5': 1, '6': 1, '7': 1, '8': 1, '9': 1,
	'A': 1, 'B': 1, 'C': 1, 'D': 1, 'E': 1, 'F': 1, 'G': 1, 'H': 1, 'I': 1, 'J': 1,
	'K': 1, 'L': 1, 'M': 1, 'N': 1, 'O': 1, 'P': 1, 'Q': 1, 'R': 1, 'S': 1, 'T': 1,
	'U': 1, 'V': 1, 'W': 1, 'X': 1, 'Y': 1, 'Z': 1,
	'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'f': 1, 'g': 1, 'h': 1, 'i': 1, 'j': 1,
	'k': 1, 'l': 1, 'm': 1, 'n': 1, 'o': 1, 'p': 1, 'q': 1, 'r': 1, 's': 1, 't': 1,
	'u': 1, 'v': 1, 'w': 1, 'x': 1, 'y': 1, 'z': 1,
}

// IsToken reports whether s is a token, the name of a scheme or of a parameter:
// RFC 9110 section 5.6.2.
func IsToken(s string) bool {
	for i := range len(s) {
		if !IsTokenChar(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsTokenChar reports whether c is a character of a token.
func IsTokenChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// Granted returns scopes as an identity has them: without room, in which those
// who append to them would see what others append, and never nil, which who asks
// for a credential means all scopes by.
func Granted(scopes []string) []string {
	if scopes == nil {
		return []string{}
	}
	return scopes[:len(scopes):len(scopes)]
}

// IsScope reports whether s is a scope-token: RFC 6749 section 3.3.
func IsScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// IsPrintable reports whether s has only printable ASCII characters, so that it
// can stand in a quoted-string of a header: RFC 9110 section 5.6.4.
func IsPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
