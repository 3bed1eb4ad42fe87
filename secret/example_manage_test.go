package secret_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"net/netip"
	"regexp"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// exampleSecrets returns Secrets on a store of their own.
func exampleSecrets() *secret.Secrets {
	secrets, err := secret.New(secret.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	return secrets
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := secret.New(secret.Config{Prefix: "My Secret"})
	fmt.Println(err)
	// Output:
	// secret: Config.Store: nil: look at the error that its constructor has returned; store.NewMemory() is one to begin with
	// secret: Config.Prefix: "My Secret": must be 1 to 8 characters of a-z and 0-9
}

// An account holds a few secrets and no more.
func ExampleSecrets_Issue() {
	ctx := context.Background()
	secrets, err := secret.New(secret.Config{Store: store.NewMemory(), Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	_, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada", Name: "backend"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cred.ExpiresAt.Sub(cred.CreatedAt).Hours()/24, "days")
	_, _, err = secrets.Issue(ctx, secret.Request{Subject: "ada", Name: "another"})
	fmt.Println(errors.Is(err, store.ErrLimit))
	// Output:
	// 90 days
	// true
}

// A secret that came in a body, and not in a header.
func ExampleSecrets_Verify() {
	ctx := context.Background()
	secrets := exampleSecrets()
	plain, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", nil)
	id, err := secrets.Verify(ctx, plain.Reveal(), secrets.ClientAddr(r))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Subject)
	_, err = secrets.Verify(ctx, "no secret", secrets.ClientAddr(r))
	fmt.Println(errors.Is(err, auth.ErrNoCredentials))
	// Output:
	// ada
	// true
}

// A client of OAuth names itself, and its secret must be its own.
func ExampleSecrets_AuthenticateClient() {
	ctx := context.Background()
	secrets := exampleSecrets()
	plain, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	for _, clientID := range []string{cred.Family, "another"} {
		_, err := secrets.AuthenticateClient(ctx, clientID, plain.Reveal(), netip.Addr{})
		fmt.Println("invalid:", errors.Is(err, auth.ErrInvalidCredentials))
	}
	// Output:
	// invalid: false
	// invalid: true
}

// Without TrustedProxies the header that anybody can send is not believed.
func ExampleSecrets_ClientAddr() {
	r := httptest.NewRequest("POST", "/", nil)
	r.RemoteAddr = "10.0.0.2:4711"
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	fmt.Println(exampleSecrets().ClientAddr(r))

	behindProxy, err := secret.New(secret.Config{
		Store:          store.NewMemory(),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(behindProxy.ClientAddr(r))
	// Output:
	// 10.0.0.2
	// 203.0.113.7
}

func ExampleSecrets_List() {
	ctx := context.Background()
	secrets := exampleSecrets()
	if _, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada", Name: "backend"}); err != nil {
		log.Fatal(err)
	}
	list, err := secrets.List(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range list {
		fmt.Println(c.Name, c.Scopes, c.Active(c.CreatedAt))
	}
	// Output: backend [*] true
}

// To another account there is no such secret.
func ExampleSecrets_Revoke() {
	ctx := context.Background()
	secrets := exampleSecrets()
	plain, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("by mallory, not found:", errors.Is(secrets.Revoke(ctx, "mallory", cred.ID), store.ErrNotFound))
	if err := secrets.Revoke(ctx, "ada", cred.ID); err != nil {
		log.Fatal(err)
	}
	_, err = secrets.Verify(ctx, plain.Reveal(), netip.Addr{})
	fmt.Println("by ada:", err)
	// Output:
	// by mallory, not found: true
	// by ada: auth: the credentials are not valid: revoked
}

// A client is ended with every secret that it ever had.
func ExampleSecrets_RevokeFamily() {
	ctx := context.Background()
	secrets := exampleSecrets()
	_, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	after, _, err := secrets.Rotate(ctx, "ada", cred.ID, 0)
	if err != nil {
		log.Fatal(err)
	}
	n, err := secrets.RevokeFamily(ctx, "ada", cred.Family)
	fmt.Println(n, err)
	_, err = secrets.Verify(ctx, after.Reveal(), netip.Addr{})
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// auth: the credentials are not valid: revoked
}

func ExampleSecrets_RevokeAll() {
	ctx := context.Background()
	secrets := exampleSecrets()
	if _, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(secrets.RevokeAll(ctx, "ada"))
	fmt.Println(secrets.RevokeAll(ctx, "ada"))
	// Output:
	// 1 <nil>
	// 0 <nil>
}

// A scanner has found a secret in a public repository.
func ExampleSecrets_RevokeLeaked() {
	ctx := context.Background()
	secrets := exampleSecrets()
	plain, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	found := regexp.MustCompile(secrets.Pattern()).FindString("secret: " + plain.Reveal())
	fmt.Println(secrets.RevokeLeaked(ctx, found))
	_, err = secrets.Verify(ctx, plain.Reveal(), netip.Addr{})
	fmt.Println(err)
	// Output:
	// <nil>
	// auth: the credentials are not valid: revoked
}
