package credential_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/credential"
)

// A Request is refused for what is wrong with it, by the name of the field; and
// nothing is stored.
func TestRequest(t *testing.T) {
	long := strings.Repeat("x", 256)
	hundred, hundredNetworks := slices.Repeat([]string{"a"}, 100), slices.Repeat(networks("192.0.2.0/24"), 100)
	tests := []struct {
		name  string
		edit  func(r *credential.Request)
		wrong string // the field; "": nothing
	}{
		{"as little as can be", func(r *credential.Request) {}, ""},
		{"subject of 255 bytes", func(r *credential.Request) { r.Subject = long[1:] }, ""},
		{"subject of 256 bytes", func(r *credential.Request) { r.Subject = long }, "Subject"},
		{"no subject", func(r *credential.Request) { r.Subject = "" }, "Subject"},
		{"subject with a control character", func(r *credential.Request) { r.Subject = "a\x00b" }, "Subject"},
		{"subject with a line break", func(r *credential.Request) { r.Subject = "a\nb" }, "Subject"},
		{"subject that is not UTF-8", func(r *credential.Request) { r.Subject = "a\xff" }, "Subject"},
		{"subject in another script", func(r *credential.Request) { r.Subject = "Ада" }, ""},
		{"name of 255 bytes", func(r *credential.Request) { r.Name = long[1:] }, ""},
		{"name of 256 bytes", func(r *credential.Request) { r.Name = long }, "Name"},
		{"name of 128 characters, 256 bytes", func(r *credential.Request) { r.Name = strings.Repeat("é", 128) }, "Name"},
		{"name with a line break", func(r *credential.Request) { r.Name = "a\r\nb" }, "Name"},
		{"name with a C1 control", func(r *credential.Request) { r.Name = "a\u0085" }, "Name"},
		{"name that is not UTF-8", func(r *credential.Request) { r.Name = "\xc3" }, "Name"},
		{"name with spaces and quotes", func(r *credential.Request) { r.Name = `Ada's "CI"` }, ""},
		{"100 scopes", func(r *credential.Request) { r.Scopes = hundred }, ""},
		{"101 scopes", func(r *credential.Request) { r.Scopes = append(hundred, "a") }, "Scopes"},
		{"scope of 255 bytes", func(r *credential.Request) { r.Scopes = []string{long[1:]} }, ""},
		{"scope of 256 bytes", func(r *credential.Request) { r.Scopes = []string{long} }, "Scopes"},
		{"empty scope", func(r *credential.Request) { r.Scopes = []string{"a", ""} }, "Scopes"},
		{"scope with a space", func(r *credential.Request) { r.Scopes = []string{"a b"} }, "Scopes"},
		{"scope with a quote", func(r *credential.Request) { r.Scopes = []string{`a"b`} }, "Scopes"},
		{"scope with a backslash", func(r *credential.Request) { r.Scopes = []string{`a\b`} }, "Scopes"},
		{"scope with a control character", func(r *credential.Request) { r.Scopes = []string{"a\x7f"} }, "Scopes"},
		{"scope beyond ASCII", func(r *credential.Request) { r.Scopes = []string{"é"} }, "Scopes"},
		{"scope of the characters that may be", func(r *credential.Request) { r.Scopes = []string{"https://example.com/a:b#c!"} }, ""},
		{"negative lifetime", func(r *credential.Request) { r.Lifetime = -1 }, "Lifetime"},
		{"100 networks", func(r *credential.Request) { r.Networks = hundredNetworks }, ""},
		{"101 networks", func(r *credential.Request) { r.Networks = append(hundredNetworks, hundredNetworks[0]) }, "Networks"},
		{"no networks at all", func(r *credential.Request) { r.Networks = []netip.Prefix{} }, "Networks"},
		{"a network that is none", func(r *credential.Request) { r.Networks = []netip.Prefix{{}} }, "Networks"},
		{"a network of too many bits", func(r *credential.Request) { r.Networks = []netip.Prefix{netip.PrefixFrom(addr("192.0.2.0"), 33)} }, "Networks"},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				req := credential.Request{Subject: "ada"}
				tt.edit(&req)
				plain, c, err := f.issuer(t.Context(), req)
				if tt.wrong == "" {
					if err != nil {
						t.Errorf("refused: %v", err)
					}
					return
				}
				if !errors.Is(err, credential.ErrRequest) || !strings.Contains(err.Error(), tt.wrong+": ") || !strings.HasPrefix(err.Error(), p.name+": issue: ") {
					t.Errorf("error %v, want a bad request that names %s", err, tt.wrong)
				}
				if c != nil || plain.Reveal() != "" {
					t.Errorf("returned %v, %q, too", c, plain.Reveal())
				}
				if req.Subject != "" && len(f.rows(t, req.Subject)) > 0 {
					t.Error("stored it nevertheless")
				}
			})
		}
	})
}

// All that is wrong is told at once.
func TestRequestNamesEverything(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		_, _, err := f.issuer(t.Context(), credential.Request{
			Name: "\x00", Scopes: []string{"a b", "é"}, Lifetime: 1, Networks: []netip.Prefix{},
		})
		if !errors.Is(err, credential.ErrRequest) {
			t.Fatalf("error %v, want a bad request", err)
		}
		for _, want := range []string{"Subject: ", "Name: ", `Scopes: "a b"`, `Scopes: "é"`, "Lifetime: ", "Networks: "} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not tell of %s", err, want)
			}
		}
	})
}
