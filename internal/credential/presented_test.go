package credential_test

import (
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// T7: what was stored once is found for ever: format and digest of a release
// are those of the next. The digests were made elsewhere.
func TestGolden(t *testing.T) {
	pepper, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]struct{ plaintext, sha256, hmac string }{
		"bearer": {"pat_wa5Zo3LCgs4V3sLHbWhuz7gShKBvED4xnXEjC69V0002Rn",
			"dc4b1b74f9570dcf1adf0d2760892131cc709bdf8ffce5651296e111ae685cc2",
			"e742ad0701801a25628fdd42f70e7b7df2fccdc154e8a7f95b1e0394f4831bb5"},
		"secret": {"sec_wa5Zo3LCgs4V3sLHbWhuz7gShKBvED4xnXEjC69V2Fvm06",
			"2d8dca8b2c6eb543554a1b36f95de7ee43614253d08e1b849a1ea5bdf4e55ce7",
			"f6a95dc806d3224fd12349e1a80916cbc5572a6949d513f9a5e1e3ec6507e629"},
	}
	both(t, func(t *testing.T, p pkg) {
		g := golden[p.name]
		for digest, cfg := range map[string]credential.Config{
			g.sha256: {},
			g.hmac:   {Peppers: [][]byte{pepper}},
		} {
			f := p.setup(t, cfg)
			f.insert(t, func(c *store.Credential) {
				if _, err := hex.Decode(c.Digest[:], []byte(digest)); err != nil {
					t.Fatal(err)
				}
			})
			f.want(t, g.plaintext, http.StatusOK)
		}
	})
}

// T2: no change of one character gets as far as the store, nor does one of two
// neighbours that changed places.
func TestTypos(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{Prefix: "abcdefgh"})
		plaintext, _ := f.issue(t, credential.Request{})
		refused := func(b []byte) {
			if got := f.status(string(b)); got != http.StatusUnauthorized {
				t.Errorf("%q for %q: status %d, want 401", b, plaintext, got)
			}
		}
		for i := range len(plaintext) {
			for _, c := range []byte(alphabet) {
				if typo := []byte(plaintext); typo[i] != c {
					typo[i] = c
					refused(typo)
				}
			}
			if typo := []byte(plaintext); i > 0 && typo[i] != typo[i-1] {
				typo[i], typo[i-1] = typo[i-1], typo[i]
				refused(typo)
			}
		}
		if n := f.store.finds.Load(); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		f.want(t, plaintext, http.StatusOK)
	})
}

// T2: nor does anything of another form.
func TestOtherForms(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		good, _ := f.issue(t, credential.Request{})
		body := strings.TrimPrefix(good, p.prefix)
		other := p.unknown(t)
		tests := []struct{ name, plaintext string }{
			{"one character more", good + "0"},
			{"one character more in front", "0" + good},
			{"one character less", good[:len(good)-1]},
			{"half", good[:len(good)/2]},
			{"twice", good + good},
			{"padded", good + "="},
			{"upper-case prefix", strings.ToUpper(p.prefix) + body},
			{"upper case", strings.ToUpper(good)},
			{"another prefix", "key_" + body},
			{"a longer prefix", "x" + p.prefix + body[1:]},
			{"the other package's", p.other().unknown(t)},
			{"no prefix", body},
			{"no underscore", strings.Replace(good, "_", "-", 1)},
			{"the prefix alone", p.prefix},
			{"another one's checksum", good[:len(good)-6] + other[len(other)-6:]},
			{"zeros", p.prefix + strings.Repeat("0", 46)},
			{"a password", "hunter2"},
			{"base64", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlYw=="},
			{"very long", strings.Repeat("x", 4000)},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) { f.want(t, tt.plaintext, http.StatusUnauthorized) })
		}
		if n := f.store.finds.Load(); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		f.want(t, good, http.StatusOK)
		if n := f.store.finds.Load(); n != 1 {
			t.Errorf("the store was asked %d times for a good one, want once", n)
		}
	})
}

// Pattern finds what Issue makes, in any text, and nothing that only looks
// alike.
func TestPattern(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		a, _ := f.issue(t, credential.Request{})
		b, _ := f.issue(t, credential.Request{})
		tests := []struct {
			name, text string
			want       []string
		}{
			{"alone", a, []string{a}},
			{"prose", "My token is " + a + ".", []string{a}},
			{"two lines", a + "\n" + b, []string{a, b}},
			{"two in a list", a + "," + b, []string{a, b}},
			{"header", "Authorization: " + p.scheme + " " + a + "\r\n", []string{a}},
			{"URL", "https://example.com/?access_token=" + a + "&x=1", []string{a}},
			{"JSON", `{"token":"` + a + `"}`, []string{a}},
			{"assignment", "TOKEN=" + a, []string{a}},
			{"umlauts", "für " + a + "ü", []string{a}},
			{"nothing", "pat_ sec_ and so on", nil},
			{"too short", a[:len(a)-1], nil},
			{"too long", a + "0", nil},
			{"goes on", a + "_1", nil},
			{"another character", a[:20] + "_" + a[21:], nil},
			{"within a word", "x" + a, nil},
			{"within a name", "my_" + a, nil},
			{"another prefix", "key_" + a[4:], nil},
			{"upper case", strings.ToUpper(a), nil},
		}
		find := regexp.MustCompile(f.Pattern())
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := find.FindAllString(tt.text, -1); !slices.Equal(got, tt.want) {
					t.Errorf("in %q: %q, want %q", tt.text, got, tt.want)
				}
			})
		}
	})
}
