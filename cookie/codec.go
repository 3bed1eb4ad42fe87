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

	// AEAD is XChaCha20-Poly1305. It takes about two thirds of the time, and
	// its values are nearly a third shorter.
	AEAD
)

// A sealer signs and encrypts payloads under one key, for one cookie name.
type sealer interface {
	seal(payload []byte) (string, error)
	// open returns the payload of a value that seal made, and of no other
	// string: not even of one that stands for the same bytes.
	open(value string) (string, error)
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

// hasLineBreak reports whether s has a line break: the only characters that
// encoding/base64 passes over, even when it is strict.
func hasLineBreak(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}
