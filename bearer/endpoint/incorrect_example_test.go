package endpoint_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// INCORRECT: a secret in the URL is refused, be it a good one. It would be kept in
// access logs and histories.
func Example_incorrect() {
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	server, err := endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets})
	if err != nil {
		log.Fatal(err)
	}
	plain, cred, err := secrets.Issue(context.Background(), secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}

	query := "?grant_type=client_credentials&client_id=" + cred.Family + "&client_secret=" + plain.Reveal() // not in the body
	w := httptest.NewRecorder()
	server.Token(w, httptest.NewRequest("POST", "/oauth/token"+query, nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 400 {"error":"invalid_request","error_description":"The URL must have no query."}
}
