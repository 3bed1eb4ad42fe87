package bearer_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// INCORRECT: a token in the query is not looked at, be it a good one. It would
// be kept in access logs, in histories and in Referer headers.
func Example_incorrect() {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	handler := guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello")
	}))
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("GET", "/?access_token="+plain.Reveal(), nil) // not in the header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"Authentication is required."}
}
