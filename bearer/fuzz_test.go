package bearer_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,255}\z`) // RFC 6749 section 3.3

// Whatever scopes a secret has and an exchange asks for: they are refused, or
// the token may do what was asked for, and nothing that the secret may not. R9
func FuzzScopes(f *testing.F) {
	for _, s := range [][2]string{
		{"*", "a"}, {"a", "*"}, {"a b", "a"}, {"a", "a b"}, {"a", "A"}, {"a", "a*"}, {"a", ""}, {"", "a"}, {"a", "a  a"}, {"a:b", "a"},
		{`a"`, "a"}, {"a", "a\x00"}, {"a", "é"}, {"* a", "b"}, {"**", "*"},
	} {
		f.Add(s[0], s[1])
	}
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st, Limit: -1, HourlyLimit: -1})
	if err != nil {
		f.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st, Limit: -1, HourlyLimit: -1})
	if err != nil {
		f.Fatal(err)
	}
	split := func(s string) []string {
		return slices.DeleteFunc(strings.Split(s, " "), func(s string) bool { return s == "" })
	}
	bad := func(scope string) bool { return !scopeToken.MatchString(scope) }
	f.Fuzz(func(t *testing.T, held, asked string) {
		defer st.Prune(t.Context(), store.PruneBefore{Ended: time.Now().Add(1000 * 24 * time.Hour), Rotated: time.Now().Add(1000 * 24 * time.Hour)}) // or the memory fills up
		has, wants := split(held), split(asked)
		_, row, err := secrets.Issue(t.Context(), secret.Request{Subject: "ada", Scopes: has})
		if wrong := slices.ContainsFunc(has, bad) || len(has) > 100; (err != nil) != wrong {
			t.Fatalf("a secret with %q: %v", has, err)
		}
		if err != nil {
			return
		}
		id := &auth.Identity{Subject: "ada", Scheme: "Secret", Credential: row.ID, Scopes: row.Scopes}
		within := !slices.ContainsFunc(wants, func(s string) bool { return !slices.Contains(has, s) && !slices.Contains(has, "*") })
		plain, token, err := tokens.Exchange(t.Context(), id, bearer.Request{Scopes: wants})
		switch {
		case slices.ContainsFunc(wants, bad) || len(wants) > 100:
			if !errors.Is(err, bearer.ErrRequest) {
				t.Fatalf("%q for %q: %v, want ErrRequest", wants, has, err)
			}
		case !within:
			if !errors.Is(err, auth.ErrInsufficientScope) {
				t.Fatalf("%q for %q: %v, want ErrInsufficientScope", wants, has, err)
			}
		case err != nil || !slices.Equal(token.Scopes, wants):
			t.Fatalf("%q for %q: %v, %v", wants, has, token, err)
		}
		if err != nil {
			return
		}
		c, err := tokens.Lookup(t.Context(), plain.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		as := auth.Identity{Scopes: c.Scopes}
		for _, s := range append(wants, "*", "never asked for") {
			if as.Has(s) && !id.Has(s) {
				t.Errorf("%q for %q: the token may %q", wants, has, s)
			}
		}
	})
}
