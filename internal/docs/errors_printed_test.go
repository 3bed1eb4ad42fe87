package docs

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// TestErrorsAsPrinted makes the mistakes that docs/errors.md explains: what is
// printed is there, to the letter. (B8)
func TestErrorsAsPrinted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := errorEntries(string(text))
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st, AcceptImported: true})
	if err != nil {
		t.Fatal(err)
	}
	key := cookie.NewKey()
	newGuard := func(cfg auth.Config) error { _, err := auth.New(cfg); return err }
	newTokens := func(cfg bearer.Config) error { _, err := bearer.New(cfg); return err }
	newSessions := func(cfg cookie.Config) error { _, err := cookie.New(cfg); return err }
	issue := func(req bearer.Request) error { _, _, err := tokens.Issue(context.Background(), req); return err }
	importSecret := func(plaintext string) error {
		_, err := secrets.Import(context.Background(), secret.Request{Subject: "ada"}, plaintext)
		return err
	}
	parseKey := func(s string) error { _, err := cookie.ParseKey(s); return err }

	for name, err := range map[string]error{
		"empty guard":  newGuard(auth.Config{}),
		"nil scheme":   newGuard(auth.Config{Authenticators: []auth.Authenticator{(*bearer.Tokens)(nil)}}),
		"two tokens":   newGuard(auth.Config{Authenticators: []auth.Authenticator{tokens, tokens}}),
		"nil throttle": newGuard(auth.Config{Authenticators: []auth.Authenticator{tokens}, Throttle: (*throttle.Limiter)(nil)}),
		"throttle": newError(throttle.New(throttle.Config{Burst: -1, Interval: 2 * time.Hour, Addresses: -1, Headers: []string{"Cookie"},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})),
		"throttle, empty": newError(throttle.New(throttle.Config{Headers: []string{}, TrustedProxies: make([]netip.Prefix, 1)})),
		"tokens": newTokens(bearer.Config{Prefix: "PAT_", Realm: "caf\xe9", ResourceMetadata: "api.example.com", Peppers: [][]byte{[]byte("short")},
			LastUsedInterval: 1, TrustedProxies: make([]netip.Prefix, 1)}),
		"peppers":       newTokens(bearer.Config{Store: st, Peppers: [][]byte{make([]byte, 32)}}),
		"same peppers":  newTokens(bearer.Config{Store: st, Peppers: [][]byte{[]byte(strings.Repeat("a", 32)), []byte(strings.Repeat("a", 32))}}),
		"unpeppered":    newTokens(bearer.Config{Store: st, AcceptUnpeppered: true}),
		"http":          newTokens(bearer.Config{Store: st, ResourceMetadata: "http://api.example.com"}),
		"user":          newTokens(bearer.Config{Store: st, ResourceMetadata: "https://ada@example.com"}),
		"fragment":      newTokens(bearer.Config{Store: st, ResourceMetadata: "https://example.com/#a"}),
		"everyone":      newTokens(bearer.Config{Store: st, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}),
		"sessions":      newSessions(cookie.Config{Codec: 7, Lifetime: time.Second, Realm: "caf\xe9", Store: (*store.Memory)(nil), Path: "app", SameSite: 9, IdleTimeout: -1}),
		"keys":          newSessions(cookie.Config{Keys: []cookie.Key{{}}}),
		"same keys":     newSessions(cookie.Config{Keys: []cookie.Key{key, key}}),
		"idle":          newSessions(cookie.Config{Keys: []cookie.Key{key}, Lifetime: time.Hour, IdleTimeout: 2 * time.Hour}),
		"origin":        newSessions(cookie.Config{Keys: []cookie.Key{key}, TrustedOrigins: []string{"https://app.example.com/"}}),
		"name":          newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: "my session"}),
		"long name":     newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: strings.Repeat("a", 256)}),
		"__Host-":       newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: "__Host-session", InsecureHTTP: true}),
		"__Secure-":     newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: "__Secure-session", InsecureHTTP: true}),
		"__Http-":       newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: "__Http-session", InsecureHTTP: true}),
		"SameSite=None": newSessions(cookie.Config{Keys: []cookie.Key{key}, InsecureHTTP: true, SameSite: http.SameSiteNoneMode}),
		"domain":        newSessions(cookie.Config{Keys: []cookie.Key{key}, Domain: "ex ample"}),
		"empty key":     parseKey(""),
		"padded key":    parseKey(key.Reveal() + "="),
		"endpoint":      newError(endpoint.New(endpoint.Config{MinLifetime: time.Millisecond})),
		"crossed":       newError(endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets, MinLifetime: 2 * time.Hour, MaxLifetime: time.Hour})),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !slices.Contains(page, line) {
				t.Errorf("%s: docs/errors.md has no entry for %q", name, line)
			}
		}
	}

	// What follows "bad request" may be several mistakes, and has before it what
	// failed.
	for name, err := range map[string]error{
		"subject":   issue(bearer.Request{}),
		"name":      issue(bearer.Request{Subject: "ada", Name: strings.Repeat("a", 300)}),
		"control":   issue(bearer.Request{Subject: "ada", Name: "a\x00"}),
		"data":      issue(bearer.Request{Subject: "ada", Data: make([]byte, 5000)}),
		"scope":     issue(bearer.Request{Subject: "ada", Scopes: []string{"a b"}}),
		"scopes":    issue(bearer.Request{Subject: "ada", Scopes: slices.Repeat([]string{"a"}, 101)}),
		"lifetime":  issue(bearer.Request{Subject: "ada", Lifetime: 59 * time.Second}),
		"networks":  issue(bearer.Request{Subject: "ada", Networks: []netip.Prefix{}}),
		"network":   issue(bearer.Request{Subject: "ada", Networks: make([]netip.Prefix, 1)}),
		"short":     importSecret("hunter2hunt2"),
		"no token":  importSecret(strings.Repeat("a b", 20)),
		"guessable": importSecret(strings.Repeat("abc", 20)),
		"ours":      importSecret("sec_" + strings.Repeat("a", 40)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if _, why, _ := strings.Cut(err.Error(), ": "); !slices.ContainsFunc(page, func(entry string) bool {
			return strings.HasSuffix(why, entry) && strings.HasPrefix(entry, "bad request: ")
		}) {
			t.Errorf("%s: docs/errors.md has no entry for %q", name, err)
		}
	}
}

func newError[T any](_ T, err error) error { return err }
