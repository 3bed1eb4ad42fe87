package cookie

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// aeadSealer seals with XChaCha20-Poly1305, whose nonce is long enough to be
// drawn at random for any number of cookies. A value is base64url of
//
//	version (1 byte)  nonce (24 bytes)  ciphertext  tag (16 bytes)
//
// and the version and the cookie's name are authenticated with it.
type aeadSealer struct {
	aead cipher.AEAD
	data []byte    // version and name
	bufs sync.Pool // of *[maxCookie]byte, to open values in
}

const aeadVersion = 1

var aeadEncoding = base64.RawURLEncoding.Strict()

func newAEADSealer(k Key, name string) sealer {
	aead, err := chacha20poly1305.NewX(k.derive("aead", name))
	if err != nil {
		panic(err) // only for keys of another length
	}
	return &aeadSealer{
		aead: aead,
		data: append([]byte{aeadVersion}, name...),
		bufs: sync.Pool{New: func() any { return new([maxCookie]byte) }},
	}
}

func (s *aeadSealer) seal(payload []byte) (string, error) {
	head := 1 + s.aead.NonceSize()
	b := make([]byte, head, head+len(payload)+s.aead.Overhead())
	b[0] = aeadVersion
	rand.Read(b[1:head])
	value := aeadEncoding.EncodeToString(s.aead.Seal(b, b[1:head], payload, s.data))
	if len(value) > maxCookie {
		return "", errTooLarge
	}
	return value, nil
}

func (s *aeadSealer) open(value string) (string, error) {
	if len(value) > maxCookie || hasLineBreak(value) {
		return "", errOpen
	}
	buf := s.bufs.Get().(*[maxCookie]byte)
	defer s.bufs.Put(buf)
	n, err := aeadEncoding.Decode(buf[:], []byte(value))
	b := buf[:n]
	defer clear(b) // which holds what was sealed
	head := 1 + s.aead.NonceSize()
	if err != nil || len(b) < head || b[0] != aeadVersion {
		return "", errOpen
	}
	payload, err := s.aead.Open(b[head:head], b[1:head], b[head:], s.data)
	if err != nil {
		return "", errOpen
	}
	return string(payload), nil
}
