package way

import (
	"cmp"
	"net/http/httptest"
	"strings"

	"github.com/keystile/keystile/cookie"
)

// Cookies that have expired: two of those in ../cookie/testdata/golden.json,
// and the key that they were sealed with.
const (
	goldenKey    = "W2VDFPjKdrnXJ1LiOoA0bFdyihXzovBUqcOyPdJT9W0"
	goldenSecure = "OTQ2Njg0ODAwfHFHZWdURmYzeW8xRk5IbVhkZmhPN3paOUIwOGNZWEpVVG9PX0U1aVUzQUZObWV2TmxrX05XMWNWcjlLWmpTa0t1NjA5LUI2Qzc5R3lER2RCTkJWUkV4anotRVVieEE9PXzPpBKNTEM-l8Xe6JEv2Xu1zPVr4eMQ0NLlKdDcq_FE2A=="
	goldenAEAD   = "AfJpUf5_ArAdqqVUW5ZVOGd5ljUOyyuY6xSueaDVp3b3YgTSLDOx7MOzpn_PyGiGZYsT8s5oInQcUrK0uJu6WbeKFSNtZ_Jg1lFzyNKTsMG5RcpZw74hF-MkwkPEB6g"
)

// ourCookies returns the ways of stateless cookies, which need no renewal.
func ourCookies() ([]*Way, error) {
	aead, secure, err := cookieFloors()
	if err != nil {
		return nil, err
	}
	key, err := cookie.ParseKey(goldenKey)
	if err != nil {
		return nil, err
	}
	var ways []*Way
	for _, c := range []struct {
		name    string
		codec   cookie.Codec
		floor   *Way
		expired string
	}{
		{"AEAD cookie", cookie.AEAD, aead, goldenAEAD},
		{"default cookie", cookie.SecureCookie, secure, goldenSecure},
	} {
		value, err1 := signIn(cookie.NewKey(), c.codec)
		own, err2 := signIn(key, c.codec)
		sessions, err3 := cookie.New(cookie.Config{Keys: []cookie.Key{key}, Codec: c.codec})
		if err := cmp.Or(err1, err2, err3); err != nil {
			return nil, err
		}
		require, authenticate, err := guarded(c.name, "Cookie", sessions, []credential{{cookieHeader(cookieName, own), "ada"}})
		if err != nil {
			return nil, err
		}
		ways = append(ways, c.floor, require, authenticate,
			require.refused("no cookie", 401),
			require.refused("garbage", 401, cookieHeader(cookieName, strings.Repeat("a", len(own)))),
			require.refused("unknown", 401, cookieHeader(cookieName, value)), // sealed with another key
			require.refused("expired", 401, cookieHeader(cookieName, c.expired)),
		)
	}
	return ways, nil
}

func signIn(key cookie.Key, codec cookie.Codec) (string, error) {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{key}, Codec: codec})
	if err != nil {
		return "", err
	}
	w := httptest.NewRecorder()
	if _, err := sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); err != nil {
		return "", err
	}
	return w.Result().Cookies()[0].Value, nil
}
