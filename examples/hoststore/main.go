// Hoststore is a service that keeps its tokens in a table that it has had for
// years, with columns and names of its own, and not in one of keystile's.
//
//	go run ./examples/hoststore
//
// The table is in store.go, and the eight methods of store.Store on it; the test
// holds them to the contract. The service is the quickstart with that store. It
// does not show how the old rows came there: their hash column has to be the
// SHA-256 of what their owners present.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"

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

	plain, token, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "hoststore"})
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

// open returns the database of the service. Every transaction locks it when it
// begins, so that what it reads stays so until it has written.
func open(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, schema)
	return db, err
}

func hello(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello, %s.\n", id.Subject)
}
