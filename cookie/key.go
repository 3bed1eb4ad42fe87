package cookie

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

const keyLen = 32

// A Key seals and opens cookies: 32 random bytes. Make one with [NewKey], keep
// [Key.Reveal] with the secrets of the service, and read it back with
// [ParseKey]. Printed, logged or encoded, a Key is "[redacted]".
type Key struct {
	// A function, as in auth.Plaintext: printers that call no methods of ours
	// find nothing to print.
	bytes func() [keyLen]byte // nil: zeros
}

// NewKey returns a new random key.
func NewKey() Key {
	var b [keyLen]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return keyOf(b)
}

func keyOf(b [keyLen]byte) Key { return Key{func() [keyLen]byte { return b }} }

func (k Key) raw() (b [keyLen]byte) {
	if k.bytes != nil {
		b = k.bytes()
	}
	return b
}

// ParseKey returns the key that [Key.Reveal] gave as s. Any other 32 bytes in
// base64url without padding (RFC 4648 section 5) are a key too; they must be
// random, and not a password. The error does not quote s.
func ParseKey(s string) (Key, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || hasLineBreak(s) {
		return Key{}, errors.New("cookie: key: must be base64url without padding, as Key.Reveal returns it")
	}
	if len(b) != keyLen {
		return Key{}, fmt.Errorf("cookie: key: %d bytes: must be %d random ones, as cookie.NewKey() has them", len(b), keyLen)
	}
	return keyOf([keyLen]byte(b)), nil
}

// Reveal returns the key for [ParseKey]. Whoever knows it can sign in as
// anybody.
func (k Key) Reveal() string {
	b := k.raw()
	return base64.RawURLEncoding.EncodeToString(b[:])
}

const redacted = "[redacted]"

// Format implements [fmt.Formatter]. Every verb prints "[redacted]".
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// MarshalText implements [encoding.TextMarshaler]. It answers "[redacted]".
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// derive returns a key for one purpose and one cookie name: RFC 5869. So a
// cookie of one name is nothing under another, whatever the codec, and the key
// that signs tells nothing about the one that encrypts.
func (k Key) derive(purpose, name string) []byte {
	b := k.raw()
	derived, err := hkdf.Key(sha256.New, b[:], nil, "keystile/cookie/"+purpose+"/"+name, keyLen)
	if err != nil {
		panic(err) // only for lengths that we do not ask for
	}
	return derived
}
