package secret_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A service issues a client secret, and accepts it on one endpoint.
func Example() {
	secrets, err := secret.New(secret.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{secrets}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /token", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "a server of %s", id.Subject)
	})))

	plain, _, err := secrets.Issue(context.Background(), secret.Request{Subject: "ada", Name: "backend"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("printed by accident:", plain)

	r := httptest.NewRequest("POST", "/token", nil)
	r.Header.Set("Authorization", "Secret "+plain.Reveal())
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)

	r.Header.Del("Authorization")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output:
	// printed by accident: [redacted]
	// 200 a server of ada
	// 401 Secret realm="api"
}

// A secret of an earlier system goes on working.
func ExampleSecrets_Import() {
	secrets, err := secret.New(secret.Config{
		Store:          store.NewMemory(),
		AcceptImported: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{secrets}})
	if err != nil {
		log.Fatal(err)
	}

	// Imported once, from the earlier system's records.
	_, err = secrets.Import(context.Background(), secret.Request{Subject: "ada", Name: "backend"}, "wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3")
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("POST", "/token", nil)
	r.Header.Set("Authorization", "Secret wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3")
	id, err := guard.Authenticate(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Subject)

	_, err = secrets.Import(context.Background(), secret.Request{Subject: "ada"}, "correct horse battery staple")
	fmt.Println(err)
	// Output:
	// ada
	// secret: import: bad request: plaintext of 28 characters: must be 32 to 255
}

// A server gets a new secret, and has a day to change over to it. The ID that
// it has as an OAuth client stays the same.
func ExampleSecrets_Rotate() {
	ctx := context.Background()
	secrets, err := secret.New(secret.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	before, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	clientID := cred.Family

	after, _, err := secrets.Rotate(ctx, "ada", cred.ID, 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	for _, plain := range []auth.Plaintext{before, after} {
		id, err := secrets.AuthenticateClient(ctx, clientID, plain.Reveal(), netip.Addr{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("valid for more than a day:", time.Until(id.ExpiresAt) > 24*time.Hour)
	}
	_, err = secrets.AuthenticateClient(ctx, "another client", after.Reveal(), netip.Addr{})
	fmt.Println("as another client, invalid:", errors.Is(err, auth.ErrInvalidCredentials))
	// Output:
	// valid for more than a day: false
	// valid for more than a day: true
	// as another client, invalid: true
}
