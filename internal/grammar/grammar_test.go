package grammar_test

import (
	"regexp"
	"testing"

	"github.com/keystile/keystile/internal/grammar"
)

// TestProductions compares each production with the expression that the
// specification's ABNF amounts to, for every byte, in every place of short
// strings and of one of nineteen characters.
func TestProductions(t *testing.T) {
	for _, p := range []struct {
		name string
		is   func(string) bool
		want *regexp.Regexp
	}{
		{"token68", grammar.IsToken68, regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*\z`)},
		{"token", grammar.IsToken, regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+\\z")},
		{"scope-token", grammar.IsScope, regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+\z`)},
		{"printable", grammar.IsPrintable, regexp.MustCompile(`^[\x20-\x7E]*\z`)},
	} {
		t.Run(p.name, func(t *testing.T) {
			check := func(s string) {
				if got, want := p.is(s), p.want.MatchString(s); got != want {
					t.Errorf("%q: %t, want %t", s, got, want)
				}
			}
			for _, s := range []string{"", "=", "==", "a=", "a==", "a=b", "=a", "a=b="} {
				check(s)
			}
			for c := range 256 {
				b := string([]byte{byte(c)})
				for _, s := range []string{b, b + "ab", "a" + b + "b", "ab" + b} {
					check(s)
				}
				const long = "0123456789abcdefghi"
				for i := range len(long) {
					check(long[:i] + b + long[i+1:])
				}
			}
		})
	}
}
