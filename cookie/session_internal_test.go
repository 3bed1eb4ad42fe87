package cookie

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

var codecs = []Codec{SecureCookie, AEAD}

// sealed returns a request with a cookie that s has sealed, whatever is in it.
func sealed(t *testing.T, s *Sessions, payload []byte) *http.Request {
	t.Helper()
	value, err := s.sealers[0].seal(payload)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", s.cookie.Name+"="+value)
	return r
}

func newSessions(t testing.TB, cfg Config) *Sessions {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = []Key{NewKey()}
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// row begins a session in the store of s and returns its plaintext.
func row(t *testing.T, s *Sessions) string {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := s.SignIn(w, httptest.NewRequest("POST", "/", nil), Request{Subject: "ada"}); err != nil {
		t.Fatal(err)
	}
	var p payload
	if _, err := s.open(w.Result().Cookies()[0].Value, &p); err != nil || !p.stored() {
		t.Fatalf("payload %+v, error %v", p, err)
	}
	return p.plaintext
}

// TestSealedButNoSession presents cookies whose seal is good and whose content
// is not: of another version of this package, or of another configuration. They
// are invalid, which is not the same as none. (K5)
func TestSealedButNoSession(t *testing.T) {
	for _, codec := range codecs {
		for _, stored := range []bool{false, true} {
			cfg := Config{Codec: codec}
			if stored {
				cfg.Store = store.NewMemory()
			}
			s := newSessions(t, cfg)
			guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s}})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			p := payload{created: now, expires: now.Add(time.Hour), seen: now, id: "i", subject: "ada", scopes: []string{"*"}}
			other := p
			other.plaintext = "ses_" + strings.Repeat("x", 46)
			if stored {
				p.plaintext = row(t, s)
				other.plaintext = ""
			}
			good := p.encode()
			changed := func(i int, c byte) []byte { b := bytes.Clone(good); b[i] = c; return b }
			if _, err := guard.Authenticate(sealed(t, s, good)); err != nil {
				t.Fatalf("codec %d, stored %t: the test seals nothing good: %v", codec, stored, err)
			}
			tests := map[string][]byte{
				"version 0": changed(0, 0), "version 2": changed(0, 2), "form 0": changed(1, 0), "form 3": changed(1, 3),
				"form of the other": changed(1, 3-good[1]), "the other form": other.encode(),
				"a byte more": append(bytes.Clone(good), 0), "a byte less": good[:len(good)-1], "half": good[:len(good)/2],
				"one byte": good[:1], "stamps alone": good[:payloadMin],
			}
			if stored {
				for name, plaintext := range map[string]string{
					"unknown row":     "ses_" + strings.Repeat("x", 46),
					"no form of ours": "xyz",
					"another prefix":  "pat" + p.plaintext[3:],
					"bad checksum":    p.plaintext[:len(p.plaintext)-1] + "!",
				} {
					p.plaintext = plaintext
					tests[name] = p.encode()
				}
			}
			for name, b := range tests {
				r := sealed(t, s, b)
				w := httptest.NewRecorder()
				guard.Optional(http.NotFoundHandler()).ServeHTTP(w, r) // anonymous visitors get 404
				set := w.Header().Get("Set-Cookie")
				if w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("Www-Authenticate"), "invalid_token") || !strings.Contains(set, "Max-Age=0") {
					t.Errorf("codec %d, stored %t: %s: status %d, header %v", codec, stored, name, w.Code, w.Header())
				}
				if err := s.SignOut(httptest.NewRecorder(), r); err != nil {
					t.Errorf("codec %d, stored %t: %s: sign out: %v", codec, stored, name, err)
				}
			}
		}
	}
}

// TestStamps seals stamps as a machine with another clock would. (K9)
func TestStamps(t *testing.T) {
	const never = -1 << 62
	for _, tt := range []struct {
		name                   string
		created, expires, seen time.Duration // from now
		ok                     bool
	}{
		{"just made", 0, time.Hour, 0, true},
		{"59 s ahead", 59 * time.Second, time.Hour, 59 * time.Second, true},
		{"a minute ahead", time.Minute, time.Hour, time.Minute, true},
		{"61 s ahead", 61 * time.Second, time.Hour, 61 * time.Second, false},
		{"created ahead", time.Minute + time.Microsecond, time.Hour, 0, false},
		{"seen ahead", 0, time.Hour, time.Minute + time.Microsecond, false},
		{"expired", -time.Hour, 0, -time.Second, false},
		{"expires in 1 us", -time.Hour, time.Microsecond, -time.Second, true},
		{"idle", -2 * time.Hour, time.Hour, -time.Hour, false},
		{"idle in 1 us", -2 * time.Hour, time.Hour, -time.Hour + time.Microsecond, true},
		{"beyond the lifetime", -24 * time.Hour, time.Hour, 0, false},
		{"beyond the lifetime in 1 us", -24*time.Hour + time.Microsecond, 1000 * time.Hour, 0, true},
		{"expires far from now", 0, 1 << 62, 0, true},
		{"created in 1854", never, time.Hour, 0, false},
		{"seen in 1854", 0, time.Hour, never, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			for _, codec := range codecs {
				for _, cfg := range []Config{{Codec: codec}, {Codec: codec, Store: store.NewMemory()}} {
					s := newSessions(t, cfg)
					now := time.Now()
					p := payload{created: now.Add(tt.created), expires: now.Add(tt.expires), seen: now.Add(tt.seen), id: "i", subject: "ada"}
					if cfg.Store != nil {
						p.plaintext = row(t, s)
					}
					_, err := s.Authenticate(sealed(t, s, p.encode()))
					if (err == nil) != tt.ok || err != nil && !errors.Is(err, auth.ErrInvalidCredentials) {
						t.Errorf("%s: codec %d, store %t: %v", tt.name, codec, cfg.Store != nil, err)
					}
				}
			}
		})
	}
}

// TestSamePrefix has tokens and sessions in one store that look alike: what a
// cookie holds is no token, and a token in a cookie is no session. (P10)
func TestSamePrefix(t *testing.T) {
	for _, codec := range codecs {
		rows := store.NewMemory()
		s := newSessions(t, Config{Codec: codec, Store: rows})
		tokens, err := bearer.New(bearer.Config{Store: rows, Prefix: "ses"})
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		p := payload{created: now, expires: now.Add(time.Hour), seen: now, plaintext: token.Reveal()}
		if _, err := s.Authenticate(sealed(t, s, p.encode())); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("a token in a cookie: %v", err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+row(t, s))
		if _, err := tokens.Authenticate(r); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("a cookie's content as a token: %v", err)
		}
	}
}
