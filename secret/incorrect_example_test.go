package secret_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// INCORRECT: a client secret in the place of a token. It is exchanged for one
// (see Exchange in package bearer), and is no token itself: else every endpoint
// would see what is for one alone.
func Example_incorrect() {
	st := store.NewMemory()
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens, secrets}})
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := secrets.Issue(context.Background(), secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+plain.Reveal()) // not "Secret "
	_, err = guard.Authenticate(r)
	fmt.Println(err)
	// Output:
	// auth: the credentials are not valid
}
