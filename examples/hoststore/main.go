// Hoststore is a service that keeps its tokens in an existing table, which has its own
// column names, integer account IDs and a foreign key to the accounts.
//
//	go run ./examples/hoststore
//
// The tables are in schema.go, the methods of store.Store in store.go, and the reading
// and writing of rows in row.go. The test checks the contract with package storetest.
// The service is the quickstart with this store. Existing rows keep working if their
// hash is the SHA-256 of the token.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	_ "modernc.org/sqlite" // the driver

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	path := flag.String("db", "hoststore.db", "`file` of the database")
	flag.Parse()
	ctx := context.Background()
	db, err := open(ctx, *path)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: accessKeys{db}})
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

	ada, err := account(ctx, db, "ada")
	if err != nil {
		log.Fatal(err)
	}
	plain, token, err := tokens.Issue(ctx, bearer.Request{Subject: strconv.FormatInt(ada, 10), Name: "hoststore"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("curl -i -H 'Authorization: Bearer %s' http://%s/hello\n", plain.Reveal(), listener.Addr())
	fmt.Printf("sqlite3 %s \"UPDATE access_keys SET blocked = unixepoch() * 1000000 WHERE key = '%s'\" # refused from now on\n", *path, token.ID)
	log.Fatal(http.Serve(listener, mux))
}

func hello(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello, account %s.\n", id.Subject)
}
