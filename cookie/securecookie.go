package cookie

import (
	"bytes"
	"encoding/base64"

	"github.com/gorilla/securecookie"
)

// secureCookieSealer seals with gorilla/securecookie. The package has edges
// that are closed here: it opens values that are not canonical base64, and it
// encrypts in place, over the caller's bytes.
//
// Its own time stamp is not used: it is not checked for being in the future.
// The payload has stamps of its own.
type secureCookieSealer struct {
	name string
	sc   *securecookie.SecureCookie
}

func newSecureCookieSealer(k Key, name string) sealer {
	sc := securecookie.New(k.derive("securecookie/hash", name), k.derive("securecookie/block", name))
	sc.SetSerializer(securecookie.NopEncoder{})
	sc.MaxAge(0)
	sc.MaxLength(maxCookie)
	return &secureCookieSealer{name, sc}
}

func (s *secureCookieSealer) seal(payload []byte) (string, error) {
	value, err := s.sc.Encode(s.name, bytes.Clone(payload))
	if err != nil {
		return "", errTooLarge // the only way to fail with keys of ours
	}
	return value, nil
}

func (s *secureCookieSealer) open(value string) (string, error) {
	if !isCanonical(value) {
		return "", errOpen
	}
	var payload []byte
	if err := s.sc.Decode(s.name, value, &payload); err != nil {
		return "", errOpen
	}
	return string(payload), nil
}

// isCanonical reports whether s, if it decodes at all, is the one padded base64url
// string that stands for its bytes. Apart from line breaks, the last four
// characters are where there could be others.
func isCanonical(s string) bool {
	if len(s) < 4 || len(s)%4 != 0 || hasLineBreak(s) {
		return false
	}
	var last [3]byte
	_, err := base64.URLEncoding.Strict().Decode(last[:], []byte(s[len(s)-4:]))
	return err == nil
}
