package redisstore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store/redisstore"
)

func Example() {
	ctx := context.Background()
	st, err := redisstore.Open(ctx, "redis://localhost:6379", redisstore.Config{Prefix: "myapp"})
	if err != nil {
		log.Fatal(err) // the server does not answer, is a replica, or may delete credentials
	}
	defer st.Close()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plain.Reveal())

	hello := func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", id.Subject)
	}
	http.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}
