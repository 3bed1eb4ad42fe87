package grammar_test

import (
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/grammar"
)

func TestCheckURL(t *testing.T) {
	for _, tt := range []struct{ url, wrong string }{
		{"https://example.com", ""},
		{"https://example.com/", ""},
		{"https://example.com:8443/tenant/1?a=b", ""},
		{"https://192.0.2.7", ""},
		{"http://localhost", ""},
		{"http://localhost:8080/a", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://127.1.2.3", ""},
		{"http://[::1]:8080", ""},
		{"", "absolute"},
		{"/oauth/token", "absolute"},
		{"example.com", "absolute"},
		{"https:", "absolute"},
		{"https:example.com", "absolute"},
		{"https://", "absolute"},
		{"https://:443", "absolute"},
		{"http://example.com", "https"},
		{"http://localhost.example.com", "https"},
		{"http://192.0.2.7", "https"},
		{"http://0.0.0.0", "https"},
		{"ftp://localhost", "https"},
		{"javascript://localhost/%0aalert(1)", "https"},
		{"https://ada:hunter2@example.com", "user"},
		{"https://ada@example.com", "user"},
		{"https://example.com/#a", "fragment"},
		{"https://example.com/#", "fragment"},
		{"https://example.com/é", "ASCII"},
		{"https://example.com/\r\nSet-Cookie: a=b", "control"},
		{"https://example.com/%zz", "escape"},
	} {
		err := grammar.CheckURL(tt.url)
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%q: %v, want %q", tt.url, err, tt.wrong)
		}
	}
}
