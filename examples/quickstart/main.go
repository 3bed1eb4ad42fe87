// Quickstart is the least that a service needs: one guard, one protected route,
// one token.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{tokens},
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "event", ev)
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))

	// A service does this when a user asks for a token, and shows it once.
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada", Name: "quickstart"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("curl -i -H 'Authorization: Bearer %s' http://localhost:8080/hello\n", plain.Reveal())
	log.Fatal(http.Serve(listener, mux))
}

func hello(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello, %s.\n", id.Subject)
}
