package credential_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// B8: what is unsafe or senseless is refused, by the name of the field.
func TestConfig(t *testing.T) {
	pepper := func(c string, n int) []byte { return []byte(strings.Repeat(c, n)) }
	tests := []struct {
		name  string
		edit  func(c *credential.Config)
		wrong string // "": nothing
	}{
		{"a store alone", func(c *credential.Config) {}, ""},
		{"no store", func(c *credential.Config) { c.Store = nil }, "Store"},
		{"a nil *Memory", func(c *credential.Config) { c.Store = (*store.Memory)(nil) }, "Store"},
		{"a store by value", func(c *credential.Config) { c.Store = down{} }, ""},
		{"prefix of 8", func(c *credential.Config) { c.Prefix = "abc01289" }, ""},
		{"prefix of 9", func(c *credential.Config) { c.Prefix = "abcdefghi" }, "Prefix"},
		{"prefix in upper case", func(c *credential.Config) { c.Prefix = "PAT" }, "Prefix"},
		{"prefix with its underscore", func(c *credential.Config) { c.Prefix = "pat_" }, "Prefix"},
		{"prefix with a line break", func(c *credential.Config) { c.Prefix = "pat\n" }, "Prefix"},
		{"realm with quotes", func(c *credential.Config) { c.Realm = `a"b\c` }, ""},
		{"realm with CR and LF", func(c *credential.Config) { c.Realm = "a\r\nSet-Cookie: a=b" }, "Realm"}, // C2
		{"realm with a tab", func(c *credential.Config) { c.Realm = "a\tb" }, "Realm"},
		{"realm beyond ASCII", func(c *credential.Config) { c.Realm = "é" }, "Realm"},
		{"pepper of 32", func(c *credential.Config) { c.Peppers = [][]byte{pepper("a", 32)} }, ""},
		{"pepper of 31", func(c *credential.Config) { c.Peppers = [][]byte{pepper("a", 31)} }, "Peppers[0]"},
		{"second pepper of 31", func(c *credential.Config) { c.Peppers = [][]byte{pepper("a", 32), pepper("b", 31)} }, "Peppers[1]"},
		{"empty pepper", func(c *credential.Config) { c.Peppers = [][]byte{{}} }, "Peppers[0]"},
		{"two peppers", func(c *credential.Config) { c.Peppers = [][]byte{pepper("a", 32), pepper("b", 32)} }, ""},
		{"a pepper twice", func(c *credential.Config) { c.Peppers = [][]byte{pepper("a", 32), pepper("b", 32), pepper("a", 32)} }, "Peppers[2]"},
		{"a pepper twice, once with the zero that HMAC adds", func(c *credential.Config) {
			c.Peppers = [][]byte{pepper("a", 32), []byte(strings.Repeat("a", 32) + "\x00")}
		}, "Peppers[1]"},
		{"no peppers, and none accepted", func(c *credential.Config) { c.AcceptUnpeppered = true }, "AcceptUnpeppered"},
		{"a pepper, and none accepted", func(c *credential.Config) { c.Peppers, c.AcceptUnpeppered = [][]byte{pepper("a", 32)}, true }, ""},
		{"proxies", func(c *credential.Config) { c.TrustedProxies = networks("10.0.0.0/8 ::1/128") }, ""},
		{"every IPv4 proxy", func(c *credential.Config) { c.TrustedProxies = networks("10.0.0.0/8 0.0.0.0/0") }, "TrustedProxies"},
		{"every IPv6 proxy", func(c *credential.Config) { c.TrustedProxies = networks("::/0") }, "TrustedProxies"},
		{"every IPv4 proxy, in IPv6", func(c *credential.Config) { c.TrustedProxies = networks("::ffff:0.0.0.0/96") }, "TrustedProxies"},
		{"a proxy that is none", func(c *credential.Config) { c.TrustedProxies = []netip.Prefix{{}} }, "TrustedProxies"},
		{"interval of a second", func(c *credential.Config) { c.LastUsedInterval = time.Second }, ""},
		{"interval under a second", func(c *credential.Config) { c.LastUsedInterval = time.Second - 1 }, "LastUsedInterval"},
		{"tiny interval", func(c *credential.Config) { c.LastUsedInterval = 1 }, "LastUsedInterval"},
		{"negative interval", func(c *credential.Config) { c.LastUsedInterval = -1 }, ""},
		{"negative limit", func(c *credential.Config) { c.Limit = -1 }, ""},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				cfg := credential.Config{Store: store.NewMemory()}
				tt.edit(&cfg)
				m, _, err := p.new(cfg)
				if tt.wrong == "" {
					if err != nil || m == nil {
						t.Errorf("New = %v, %v", m, err)
					}
					return
				}
				if err == nil || m != nil || !strings.HasPrefix(err.Error(), p.name+": Config."+tt.wrong+": ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("New = %v, %v, want an error of %s alone", m, err, tt.wrong)
				}
			})
		}
	})
}

// B8: all that is wrong is told at once; and no pepper is told.
func TestConfigNamesEverything(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		_, _, err := p.new(credential.Config{
			Prefix: "no prefix", Realm: "\r\n", Peppers: [][]byte{[]byte("correct horse"), []byte("correct horse")},
			TrustedProxies: networks("0.0.0.0/0 ::/0"), LastUsedInterval: time.Millisecond,
		})
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{
			"Store: ", `Prefix: "no prefix"`, `Realm: "\r\n"`, "Peppers[0]: 13 bytes", "Peppers[1]: 13 bytes", "Peppers[1]: the same as Peppers[0]",
			"TrustedProxies: 0.0.0.0/0", "TrustedProxies: ::/0", "LastUsedInterval: 1ms",
		} {
			if !strings.Contains(err.Error(), p.name+": Config."+want) {
				t.Errorf("%q does not tell of %s", err, want)
			}
		}
		if strings.Contains(err.Error(), "correct horse") {
			t.Errorf("%q tells a pepper", err)
		}
	})
}

// The defaults are those of the documentation.
func TestConfigDefaults(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for realm, want := range map[string]string{"": "api", "the realm": "the realm"} {
			f := p.setup(t, credential.Config{Realm: realm})
			c := f.Challenge(auth.ErrNoCredentials, nil)
			if c.Scheme != p.scheme || len(c.Params) != 1 || c.Params[0] != [2]string{"realm", want} {
				t.Errorf("challenge %s, want the realm %s", c, want)
			}
		}
		for prefix, want := range map[string]string{"": p.prefix, "x1": "x1_"} {
			f := p.setup(t, credential.Config{Prefix: prefix})
			if plaintext, _ := f.issue(t, credential.Request{}); !strings.HasPrefix(plaintext, want) {
				t.Errorf("%q does not begin with %s", plaintext, want)
			}
		}
	})
}
