package cookie_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/gorilla/securecookie"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// TestBoundToPurpose presents values that were sealed under the same key for
// something else. (K5)
func TestBoundToPurpose(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		good, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			name   string
			change func(cfg *cookie.Config)
		}{
			{"another name", func(cfg *cookie.Config) { cfg.Name = "__Host-admin" }},
			{"a longer name", func(cfg *cookie.Config) { cfg.Name = "__Host-session2" }},
			{"a shorter name", func(cfg *cookie.Config) { cfg.Name = "__Host-sessio" }},
			{"a name in another case", func(cfg *cookie.Config) { cfg.Name = "__Host-Session" }},
			{"another codec", func(cfg *cookie.Config) { cfg.Codec = cookie.AEAD - cfg.Codec }},
			{"another key", func(cfg *cookie.Config) { cfg.Keys = []cookie.Key{cookie.NewKey()} }},
			{"with a store or without", func(cfg *cookie.Config) {
				if cfg.Store == nil {
					cfg.Store = store.NewMemory()
				} else {
					cfg.Store = nil
				}
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				cfg := cfg
				tt.change(&cfg)
				other := newSite(t, cfg)
				theirs, _ := other.signIn(t, nil)
				for _, presented := range []struct {
					to                 *site
					name, value, whose string
				}{
					{s, good.Name, theirs.Value, "theirs to us"},
					{other, theirs.Name, good.Value, "ours to them"},
				} {
					w := presented.to.visit(&http.Cookie{Name: presented.name, Value: presented.value})
					if w.Code != http.StatusUnauthorized || !cleared(t, w) {
						t.Errorf("%s: status %d, Set-Cookie %q", presented.whose, w.Code, w.Header()["Set-Cookie"])
					}
				}
				s.wants(t, http.StatusOK, good)
				other.wants(t, http.StatusOK, theirs)
			})
		}
	})
}

// TestGorillaUnderOurKey presents what the host sealed with gorilla/securecookie
// itself under the bytes of a key: they are not the keys that seal. (K5)
func TestGorillaUnderOurKey(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		good, _ := s.signIn(t, nil)
		raw, err := base64.RawURLEncoding.DecodeString(cfg.Keys[0].Reveal())
		if err != nil {
			t.Fatal(err)
		}
		m := newTamperer(s, good.Name)
		for _, block := range [][]byte{raw, nil} {
			sc := securecookie.New(raw, block).SetSerializer(securecookie.NopEncoder{})
			for _, payload := range []string{"", "ada", good.Value, "\x01\x02" + string(make([]byte, 24)) + "\x02id\x03ada\x01\x01*"} {
				value, err := sc.Encode(good.Name, []byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				m.refused(t, "sealed by the host", value)
			}
			var payload []byte
			if sc.Decode(good.Name, good.Value, &payload) == nil {
				t.Error("the host's securecookie opens ours")
			}
		}
	})
}

// TestKinds presents cookies as tokens and secrets, and the reverse, where all
// three schemes share a store. Package cookie has a test of its own, inside it,
// of what the cookies hold. (P10)
func TestKinds(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		all := store.Store(store.NewMemory())
		if cfg.Store != nil {
			all = cfg.Store
		}
		tokens, err := bearer.New(bearer.Config{Store: all})
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := secret.New(secret.Config{Store: all})
		if err != nil {
			t.Fatal(err)
		}
		s := newSiteFor(t, cfg, auth.Config{Authenticators: []auth.Authenticator{tokens, secrets}})
		token, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		plain, _, err := secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			name, line string
			want       int
		}{
			{"cookie as Cookie", line(c), http.StatusOK},
			{"token as Bearer", "Authorization: Bearer " + token.Reveal(), http.StatusOK},
			{"secret as Secret", "Authorization: Secret " + plain.Reveal(), http.StatusOK},
			{"cookie as Bearer", "Authorization: Bearer " + c.Value, http.StatusUnauthorized},
			{"cookie as Secret", "Authorization: Secret " + c.Value, http.StatusUnauthorized},
			{"cookie as Cookie scheme", "Authorization: Cookie " + c.Value, http.StatusUnauthorized},
			{"token as Cookie", "Cookie: " + c.Name + "=" + token.Reveal(), http.StatusUnauthorized},
			{"secret as Cookie", "Cookie: " + c.Name + "=" + plain.Reveal(), http.StatusUnauthorized},
		} {
			if w := s.do(request("GET", tt.line)); w.Code != tt.want {
				t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.want)
			}
		}
	})
}
