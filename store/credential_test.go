package store_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// T6: a credential is valid 1 us before its expiry and invalid at its expiry.
func TestCredentialActive(t *testing.T) {
	expiry := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		c    store.Credential
		now  time.Time
		want bool
	}{
		{"before expiry", store.Credential{ExpiresAt: expiry}, expiry.Add(-time.Microsecond), true},
		{"at expiry", store.Credential{ExpiresAt: expiry}, expiry, false},
		{"at expiry in another zone", store.Credential{ExpiresAt: expiry}, expiry.In(time.FixedZone("", 3600)), false},
		{"after expiry", store.Credential{ExpiresAt: expiry}, expiry.Add(time.Microsecond), false},
		{"never expires", store.Credential{}, expiry, true},
		{"expired in 1970", store.Credential{ExpiresAt: time.Unix(0, 0)}, expiry, false},
		{"revoked", store.Credential{RevokedAt: expiry.Add(-time.Hour)}, expiry, false},
		{"revoked at a later time", store.Credential{RevokedAt: expiry.Add(time.Hour)}, expiry, false},
		{"revoked before expiry", store.Credential{ExpiresAt: expiry, RevokedAt: expiry.Add(-time.Hour)}, expiry.Add(-time.Minute), false},
		{"rotated, during the overlap", store.Credential{ExpiresAt: expiry, RotatedAt: expiry.Add(-time.Hour)}, expiry.Add(-time.Minute), true},
		{"rotated, after the overlap", store.Credential{ExpiresAt: expiry, RotatedAt: expiry.Add(-time.Hour)}, expiry, false},
		{"not yet created", store.Credential{CreatedAt: expiry.Add(time.Hour)}, expiry, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Active(tt.now); got != tt.want {
				t.Errorf("Active = %t, want %t", got, tt.want)
			}
		})
	}
}

// example returns a credential with a value in every field.
func example() *store.Credential {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	c := &store.Credential{
		ID:           "7QZ",
		Kind:         store.KindToken,
		Subject:      "ada",
		Name:         "ci",
		Scopes:       []string{"reports:read", "reports:write"},
		Family:       "6PY",
		ClientID:     "5OX",
		Hint:         "pat_…KQDc",
		Actor:        "support",
		LastUsedAddr: netip.MustParseAddr("192.0.2.7"),
		Networks:     []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		CreatedAt:    at,
		ExpiresAt:    at.Add(24 * time.Hour),
		RotatedAt:    at.Add(time.Hour),
		RevokedAt:    at.Add(2 * time.Hour),
		LastUsedAt:   at.Add(time.Minute),
		Data:         []byte("the application's canary"),
	}
	for i := range c.Digest {
		c.Digest[i] = byte(0xa1 + i)
	}
	return c
}

func TestCredentialClone(t *testing.T) {
	c := example()
	v := reflect.ValueOf(*c)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the example has no %s", v.Type().Field(i).Name)
		}
	}
	n := c.Clone()
	if n == c || !reflect.DeepEqual(n, c) {
		t.Fatalf("Clone = %+v, want an equal copy", n)
	}
	n.ID, n.Digest[0] = "another", 0
	n.Scopes[0], n.Networks[0], n.Data[0] = "admin", netip.Prefix{}, 0
	n.Scopes = append(n.Scopes, "admin")
	if !reflect.DeepEqual(c, example()) {
		t.Errorf("after changes to its clone: %+v, want no change", c)
	}
	if n := new(store.Credential).Clone(); !reflect.DeepEqual(n, new(store.Credential)) {
		t.Errorf("Clone of the zero value = %+v, want the zero value", n)
	}
}

// T4: the JSON for the owner contains neither digest nor data.
func TestCredentialJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *store.Credential
		want string
	}{
		{"every field", example(), `{
			"id": "7QZ", "kind": "token", "subject": "ada", "name": "ci", "hint": "pat_…KQDc",
			"scopes": ["reports:read", "reports:write"], "family": "6PY", "client_id": "5OX", "actor": "support",
			"networks": ["192.0.2.0/24", "2001:db8::/32"],
			"created_at": "2026-01-02T03:04:05.678901Z", "expires_at": "2026-01-03T03:04:05.678901Z",
			"rotated_at": "2026-01-02T04:04:05.678901Z", "revoked_at": "2026-01-02T05:04:05.678901Z",
			"last_used_at": "2026-01-02T03:05:05.678901Z", "last_used_addr": "192.0.2.7"
		}`},
		{"no field", &store.Credential{}, `{
			"id": "", "kind": "", "subject": "", "scopes": null, "family": "", "created_at": "0001-01-01T00:00:00Z"
		}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, []byte(tt.want)); err != nil {
				t.Fatal(err)
			}
			if string(got) != want.String() {
				t.Errorf("JSON = %s\nwant   %s", got, want.String())
			}
		})
	}
}

// printed returns d as fmt, JSON and slog print it: by itself, in values that
// contain it, and in errors that wrap those.
func printed(t *testing.T, c *store.Credential) map[string]string {
	t.Helper()
	d := c.Digest
	out := make(map[string]string)
	// Not %T, %p and %w, for which fmt does not call Format.
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "# x", "d", "o", "b", "c", "U", "t", "e", "z", "100v", "-5.3s"} {
		format := "%" + verb
		for name, v := range map[string]any{
			"digest":     d,
			"pointer":    &d,
			"slice":      []store.Digest{d},
			"array":      [1]store.Digest{d},
			"key":        map[store.Digest]int{d: 1},
			"value":      map[string]store.Digest{"k": d},
			"interface":  struct{ V any }{d},
			"struct":     struct{ D store.Digest }{d},
			"credential": *c,
			"pointer to": c,
		} {
			out[name+" "+format] = fmt.Sprintf(format, v)
		}
	}
	out["Sprint"] = fmt.Sprint(d, &d)
	out["Errorf"] = fmt.Errorf("find %v: %w", d, fmt.Errorf("%x", d)).Error()
	for name, v := range map[string]any{"digest": d, "pointer": &d, "key": map[store.Digest]int{d: 1}, "struct": struct{ D store.Digest }{d}, "credential": c} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out["JSON "+name] = string(b)
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("found", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&js, nil)).Info("found", "v", v, slog.Group("g", "v", v))
		out["slog text "+name], out["slog JSON "+name] = text.String(), js.String()
	}
	text, err := d.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	out["text"] = string(text)
	return out
}

// T4, B1: every way to print a digest prints "[digest]".
func TestDigestIsRedacted(t *testing.T) {
	c := example()
	c.Data = nil // fmt does print it
	d := c.Digest
	decimal := strings.Trim(fmt.Sprint(d[4:8]), "[]")
	pieces := map[string]string{
		"bytes":      string(d[4:8]),
		"hex":        hex.EncodeToString(d[4:8]),
		"HEX":        strings.ToUpper(hex.EncodeToString(d[4:8])),
		"spaced hex": fmt.Sprintf("% x", d[4:8]),
		"decimal":    decimal,
		"commas":     strings.ReplaceAll(decimal, " ", ", "),
		"Go syntax":  "0xa5, 0xa6",
		"JSON array": strings.ReplaceAll(decimal, " ", ","),
		"octal":      strings.Trim(fmt.Sprintf("%o", d[4:8]), "[]"),
		"binary":     strings.Trim(fmt.Sprintf("%b", d[4:8]), "[]"),
		"base64":     base64.StdEncoding.EncodeToString(d[6:12]),
		"base64 URL": base64.URLEncoding.EncodeToString(d[6:12]),
	}
	for how, got := range printed(t, c) {
		for form, piece := range pieces {
			if strings.Contains(got, piece) {
				t.Errorf("%s shows the digest as %s: %q", how, form, got)
			}
		}
		if !strings.Contains(got, "[digest]") && !strings.HasPrefix(how, "JSON credential") && !strings.HasPrefix(how, "slog JSON credential") {
			t.Errorf("%s = %q, want it to say [digest]", how, got)
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		if got := fmt.Sprintf(format, d); got != "[digest]" {
			t.Errorf("%s = %q, want [digest]", format, got)
		}
	}
	if got, err := json.Marshal(d); err != nil || string(got) != `"[digest]"` {
		t.Errorf("JSON = %s, %v, want [digest]", got, err)
	}
}
