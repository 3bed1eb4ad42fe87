package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"regexp"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// exampleTokens returns Tokens on a store of their own.
func exampleTokens() *bearer.Tokens {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	return tokens
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := bearer.New(bearer.Config{Prefix: "My Token"})
	fmt.Println(err)
	// Output:
	// bearer: Config.Store: nil: look at the error that its constructor has returned; store.NewMemory() is one to begin with
	// bearer: Config.Prefix: "My Token": must be 1 to 8 characters of a-z and 0-9
}

// A token of 30 days for one scope. What is out of bounds is refused, and never
// rounded.
func ExampleTokens_Issue() {
	ctx := context.Background()
	tokens := exampleTokens()
	_, token, err := tokens.Issue(ctx, bearer.Request{
		Subject:  "ada",
		Name:     "nightly report",
		Scopes:   []string{"reports:read"},
		Lifetime: 30 * 24 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Name, token.Scopes, token.ExpiresAt.Sub(token.CreatedAt))

	_, _, err = tokens.Issue(ctx, bearer.Request{Subject: "ada", Lifetime: 10 * 365 * 24 * time.Hour})
	fmt.Println(errors.Is(err, bearer.ErrRequest))
	// Output:
	// nightly report [reports:read] 720h0m0s
	// true
}

// A token that came another way than in a header, with the address it came from.
func ExampleTokens_Verify() {
	ctx := context.Background()
	tokens := exampleTokens()
	plain, _, err := tokens.Issue(ctx, bearer.Request{
		Subject:  "ada",
		Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, addr := range []string{"203.0.113.7", "198.51.100.1"} {
		_, err := tokens.Verify(ctx, plain.Reveal(), netip.MustParseAddr(addr))
		fmt.Println(addr, "invalid:", errors.Is(err, auth.ErrInvalidCredentials))
	}
	// Output:
	// 203.0.113.7 invalid: false
	// 198.51.100.1 invalid: true
}

// An account loses its laptop.
func ExampleTokens_RevokeAll() {
	ctx := context.Background()
	tokens := exampleTokens()
	for _, subject := range []string{"ada", "ada", "grace"} {
		if _, _, err := tokens.Issue(ctx, bearer.Request{Subject: subject}); err != nil {
			log.Fatal(err)
		}
	}
	n, err := tokens.RevokeAll(ctx, "ada")
	fmt.Println(n, err)
	// Output: 2 <nil>
}

// A thief has rotated the token, so revoking the one that is known is not enough.
func ExampleTokens_RevokeFamily() {
	ctx := context.Background()
	tokens := exampleTokens()
	_, token, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	stolen, _, err := tokens.Rotate(ctx, "ada", token.ID, 0)
	if err != nil {
		log.Fatal(err)
	}

	n, err := tokens.RevokeFamily(ctx, "ada", token.Family)
	if err != nil {
		log.Fatal(err)
	}
	_, err = tokens.Verify(ctx, stolen.Reveal(), netip.Addr{})
	fmt.Println(n, "revoked:", err)
	// Output:
	// 2 revoked: auth: the credentials are not valid: revoked
}

// A scanner has found a token in a public repository.
func ExampleTokens_RevokeLeaked() {
	ctx := context.Background()
	tokens := exampleTokens()
	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}
	file := "TOKEN=" + plain.Reveal() + "\n"

	found := regexp.MustCompile(tokens.Pattern()).FindString(file)
	token, err := tokens.Lookup(ctx, found)
	if err != nil {
		log.Fatal(err) // store.ErrNotFound: none of ours
	}
	if err := tokens.RevokeLeaked(ctx, found); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("to %s: your token %q was public and is revoked\n", token.Subject, token.Name)
	// Output: to ada: your token "ci" was public and is revoked
}

// For whom a token is, valid or not.
func ExampleTokens_Lookup() {
	ctx := context.Background()
	tokens := exampleTokens()
	_, err := tokens.Lookup(ctx, "pat_unknown")
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output: true
}

// The expression finds the tokens of this service, and nothing that only looks
// similar.
func ExampleTokens_Pattern() {
	tokens := exampleTokens()
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	re := regexp.MustCompile(tokens.Pattern())
	fmt.Println(re.MatchString("curl -H 'Authorization: Bearer "+plain.Reveal()+"'"), re.MatchString("pat_short"))
	// Output: true false
}

// What a client got for its secret ends, whatever became of the secret.
func ExampleTokens_RevokeExchanged() {
	ctx, st := context.Background(), store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	plain, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	from, err := secrets.Verify(ctx, plain.Reveal(), netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	exchanged, _, err := tokens.Exchange(ctx, from, bearer.Request{})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(tokens.RevokeExchanged(ctx, "ada", cred.Family))
	_, err = tokens.Verify(ctx, exchanged.Reveal(), netip.Addr{})
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// auth: the credentials are not valid: revoked
}
