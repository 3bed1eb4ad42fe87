package cookie_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/cookie"
)

// parse returns the key that s stands for.
func parse(t testing.TB, s string) cookie.Key {
	t.Helper()
	k, err := cookie.ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseKey(t *testing.T) {
	raw := []byte("\xfb\xff\xbe keystile, 32 bytes as needed")[:32]
	good := base64.RawURLEncoding.EncodeToString(raw) // begins with "-_-"
	for _, tt := range []struct {
		name, s string
		ok      bool
	}{
		{"good", good, true},
		{"empty", "", false},
		{"31 bytes", base64.RawURLEncoding.EncodeToString(raw[:31]), false},
		{"33 bytes", base64.RawURLEncoding.EncodeToString(append(raw[:32:32], 0)), false},
		{"64 bytes", base64.RawURLEncoding.EncodeToString(append(raw[:32:32], raw...)), false},
		{"padded", base64.URLEncoding.EncodeToString(raw), false},
		{"standard alphabet", base64.RawStdEncoding.EncodeToString(raw), false},
		{"unused bits", good[:42] + string(good[42]+1), false},
		{"newline within", good[:20] + "\n" + good[20:], false},
		{"newline at the end", good + "\n", false},
		{"CR LF at the end", good + "\r\n", false},
		{"newline in place of a character", good[:20] + "\n" + good[21:], false},
		{"space at the end", good + " ", false},
		{"hex", hex.EncodeToString(raw), false},
		{"raw", string(raw), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := cookie.ParseKey(tt.s)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if tt.ok {
				if k.Reveal() != tt.s {
					t.Error("Reveal gives another text")
				}
				return
			}
			if k.Reveal() != (cookie.Key{}).Reveal() {
				t.Error("a key came with the error")
			}
			for piece := range slices.Chunk([]byte(tt.s), 4) {
				if len(piece) == 4 && bytes.Contains([]byte(err.Error()), piece) {
					t.Errorf("the error echoes the input: %v", err)
				}
			}
		})
	}
}

// TestNewKey makes keys and reads them back. (K10: keys of 32 bytes, distinct)
func TestNewKey(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		s := cookie.NewKey().Reveal()
		if b, err := base64.RawURLEncoding.DecodeString(s); err != nil || len(b) != 32 {
			t.Fatalf("%d bytes, error %v", len(b), err)
		}
		if seen[s] || parse(t, s).Reveal() != s {
			t.Fatal("made twice, or not what was parsed")
		}
		seen[s] = true
	}
}

// leaks returns how a part of a key can be read in out, or "".
func leaks(out string, key []byte) string {
	for name, form := range map[string]string{
		"raw":        string(key),
		"base64":     base64.StdEncoding.EncodeToString(key),
		"base64url":  base64.URLEncoding.EncodeToString(key),
		"hex":        hex.EncodeToString(key),
		"HEX":        strings.ToUpper(hex.EncodeToString(key)),
		"decimal":    strings.Trim(fmt.Sprint(key), "[]"),
		"decimal, ,": strings.ReplaceAll(fmt.Sprint(key), " ", ", "),
		"%#v":        strings.TrimPrefix(fmt.Sprintf("%#v", key), "[]byte"),
		"% x":        fmt.Sprintf("% x", key),
		"%q":         strings.Trim(fmt.Sprintf("%q", key), `"`),
	} {
		for i := 0; i+12 <= len(form); i++ {
			if strings.Contains(out, form[i:i+12]) {
				return name
			}
		}
	}
	return ""
}

// TestKeyIsRedacted prints keys in every way and looks for pieces of them. (B1)
func TestKeyIsRedacted(t *testing.T) {
	key := cookie.NewKey()
	raw, err := base64.RawURLEncoding.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if leaks(fmt.Sprint(raw), raw) == "" || leaks("a "+key.Reveal()[7:], raw) == "" {
		t.Fatal("the test finds nothing")
	}
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	_, twice := cookie.New(cookie.Config{Keys: []cookie.Key{key, key}})
	type exported struct{ Key cookie.Key }
	values := map[string]any{
		"Key":          key,
		"*Key":         &key,
		"[]Key":        []cookie.Key{key},
		"map":          map[string]cookie.Key{"k": key},
		"exported":     exported{key},
		"unexported":   struct{ key cookie.Key }{key}, // fmt calls no methods of such fields
		"*unexported":  &struct{ key cookie.Key }{key},
		"[]unexported": struct{ keys []cookie.Key }{[]cookie.Key{key}},
		"Config":       cookie.Config{Keys: []cookie.Key{key}},
		"*Config":      &cookie.Config{Keys: []cookie.Key{key}},
		"*Sessions":    sessions,
		"error":        fmt.Errorf("config: %w", twice),
		"wrapped":      errors.Join(twice, fmt.Errorf("key %v", key)),
	}
	for name, v := range values {
		for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
			for _, flags := range []string{"", "+", "#", " ", "0", "-", "80", ".5", "+#"} {
				format := "%" + flags + string(verb)
				if how := leaks(fmt.Sprintf(format, v), raw); how != "" {
					t.Errorf("%s printed with %s: %s", name, format, how)
				}
			}
		}
		var out bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("key", "v", v, slog.Group("g", "v", v))
		}
		for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
			b, err := encode(v) // some cannot be encoded
			fmt.Fprint(&out, string(b), err)
		}
		if how := leaks(out.String(), raw); how != "" {
			t.Errorf("%s logged or encoded: %s", name, how)
		}
	}
	for _, got := range []string{fmt.Sprint(key), fmt.Sprintf("%x", key), fmt.Sprintf("%+v", exported{key})[5:15]} {
		if got != "[redacted]" {
			t.Errorf("%q, want [redacted]", got)
		}
	}
	if b, err := json.Marshal(exported{key}); string(b) != `{"Key":"[redacted]"}` {
		t.Errorf("JSON: %s, %v", b, err)
	}
}
