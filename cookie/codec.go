package cookie

import (
	"errors"
	"strings"
)

// A Codec is how a cookie's value is signed and encrypted.
type Codec uint8

const (
	// SecureCookie is the format of github.com/gorilla/securecookie:
	// AES-256-CTR and HMAC-SHA-256. It is the default.
	SecureCookie Codec = iota

	// AEAD is XChaCha20-Poly1305. It is several times faster and its values
	// are a third shorter.
	AEAD
)

// A sealer signs and encrypts payloads under one key, for one cookie name.
type sealer interface {
	seal(payload []byte) (string, error)
	// open returns the payload of a value that seal made, and of no other
	// string: not even of one that stands for the same bytes.
	open(value string) ([]byte, error)
}

func (c Codec) sealer(k Key, name string) sealer {
	if c == AEAD {
		return newAEADSealer(k, name)
	}
	return newSecureCookieSealer(k, name)
}

// errOpen is all that is told of a value that does not open. What exactly is
// wrong with it would help nobody but a forger.
var errOpen = errors.New("not sealed under a key of ours, or altered")

// isBase64URL reports whether s has only characters of base64url, so that no
// decoder is tempted to skip line breaks in it.
func isBase64URL(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// trimPadding returns s without its padding, at most two signs.
func trimPadding(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
}
