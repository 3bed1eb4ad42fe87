package cookie

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"

	"github.com/gorilla/securecookie"
)

// secureCookieSealer seals with gorilla/securecookie. A value is base64url, with
// padding, of
//
//	date  |  base64url of IV (16 bytes) and ciphertext  |  MAC (32 bytes)
//
// The ciphertext is by AES-256-CTR, and the MAC is HMAC-SHA-256 of the cookie's
// name, the date and the text between, with bars between them.
//
// It opens values itself, as this happens with every request: the package makes
// a MAC anew each time, allocates for every step, and opens values that are not
// canonical base64. What is opened here the package opens too, to the same bytes,
// which FuzzSecureCookie holds it to.
//
// The package's own time stamp, the date, is not used: it is not checked for being
// in the future. The payload has stamps of its own.
type secureCookieSealer struct {
	name    string
	sc      *securecookie.SecureCookie
	ctr     func(iv []byte) cipher.Stream
	openers sync.Pool // of *opener
}

// An opener is what opening a value takes.
type opener struct {
	mac          hash.Hash // keyed
	sum          [sha256.Size]byte
	value, inner [maxCookie]byte
}

var secureCookieEncoding = base64.URLEncoding.Strict()

func newSecureCookieSealer(k Key, name string) sealer {
	hashKey, blockKey := k.derive("securecookie/hash", name), k.derive("securecookie/block", name)
	sc := securecookie.New(hashKey, blockKey)
	sc.SetSerializer(securecookie.NopEncoder{})
	sc.MaxAge(0)
	sc.MaxLength(maxCookie)
	block, err := aes.NewCipher(blockKey)
	if err != nil {
		panic(err) // only for keys of another length
	}
	return &secureCookieSealer{
		name:    name,
		sc:      sc,
		ctr:     func(iv []byte) cipher.Stream { return cipher.NewCTR(block, iv) },
		openers: sync.Pool{New: func() any { return &opener{mac: hmac.New(sha256.New, hashKey)} }},
	}
}

func (s *secureCookieSealer) seal(payload []byte) (string, error) {
	// A copy, for the package encrypts in place.
	value, err := s.sc.Encode(s.name, bytes.Clone(payload))
	if err != nil {
		return "", errTooLarge // the only way to fail with keys of ours
	}
	return value, nil
}

func (s *secureCookieSealer) open(value string) (string, error) {
	if len(value) > maxCookie || hasLineBreak(value) {
		return "", errOpen
	}
	o := s.openers.Get().(*opener)
	defer s.openers.Put(o)
	n, err := secureCookieEncoding.Decode(o.value[:], []byte(value))
	b := o.value[:n]
	date, rest, ok := bytes.Cut(b, []byte("|"))
	text, mac, ok2 := bytes.Cut(rest, []byte("|"))
	if err != nil || !ok || !ok2 || !hmac.Equal(mac, o.sign(s.name, b[:len(date)+1+len(text)])) {
		return "", errOpen
	}
	if _, err := strconv.ParseInt(string(date), 10, 64); err != nil {
		return "", errOpen
	}
	if n, err = secureCookieEncoding.Decode(o.inner[:], text); err != nil || n <= aes.BlockSize {
		return "", errOpen
	}
	payload := o.inner[aes.BlockSize:n]
	defer clear(payload)
	s.ctr(o.inner[:aes.BlockSize]).XORKeyStream(payload, payload)
	return string(payload), nil
}

// sign returns the MAC of a name and what follows it.
func (o *opener) sign(name string, rest []byte) []byte {
	o.mac.Reset()
	o.mac.Write([]byte(name))
	o.mac.Write([]byte("|"))
	o.mac.Write(rest)
	return o.mac.Sum(o.sum[:0])
}
