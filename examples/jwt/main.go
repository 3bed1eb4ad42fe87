// Jwt is a service that accepts the JWTs of an identity provider beside tokens of
// its own, on one endpoint and as one scheme.
//
//	go run ./examples/jwt -issuer https://id.example.com -jwks https://id.example.com/jwks -audience https://api.example.com
//
// It starts while the issuer does not answer, and says 503 to JWTs until it does.
// It does not sign anybody in and issues no JWTs. It takes the issuer's subjects
// for accounts of its own: where somebody could choose a name there that is
// somebody else's here, keep a table of issuers, subjects and accounts. To refuse
// the accounts that are disabled here, give the guard an auth.Accounts.
package main

import (
	"context"
	"flag"
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
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	issuer := flag.String("issuer", "", "the `URL` that JWTs have as iss")
	jwks := flag.String("jwks", "", "the `URL` of its keys: jwks_uri in its metadata")
	audience := flag.String("audience", "", "the `name` of this service that JWTs have as aud")
	flag.Parse()
	if *issuer == "" || *jwks == "" || *audience == "" {
		log.Fatal("jwt: -issuer, -jwks and -audience are required")
	}
	ctx := context.Background()
	jwts, err := newVerifier(ctx, *issuer, *jwks, *audience)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := routes(tokens, jwts)
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "jwt"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("curl -i -H 'Authorization: Bearer %s' http://%s/reports\n", plain.Reveal(), listener.Addr())
	fmt.Printf("curl -i -H \"Authorization: Bearer $JWT\" http://%s/reports\n", listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}

func routes(tokens *bearer.Tokens, jwts bearer.Verifier) (http.Handler, error) {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{bearer.Chain(tokens, jwts)},
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "event", ev)
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reports", guard.Require("reports:read")(http.HandlerFunc(reports)))
	return mux, nil
}

func reports(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "the reports of %s\n", id.Subject)
}
