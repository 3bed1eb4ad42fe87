// Chi shows a Guard on the router of github.com/go-chi/chi: Require is middleware
// as chi takes it, for a group of routes and for single ones, beside chi's own.
//
// It does not show accounts, sessions or a store that outlives the process: the
// portal does.
//
//	go run ./examples/chi
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := routes(tokens)
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada", Scopes: []string{"reports:read"}})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`Open to everybody; without a token, 401; with one that may read; and 403, as it may not write:

curl -i http://%[1]s/healthz
curl -i http://%[1]s/api/reports
curl -i http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'
curl -i -X DELETE http://%[1]s/api/reports/q3 -H 'Authorization: Bearer %[2]s'

Ctrl-C ends it.
`, listener.Addr(), plain.Reveal())
	log.Fatal(http.Serve(listener, handler))
}

func routes(tokens *bearer.Tokens) (http.Handler, error) {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{tokens},
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "request", middleware.GetReqID(ctx), "event", ev)
		},
	})
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(middleware.RequestID) // before the guard: Observe finds the ID in its context
	r.Use(middleware.Recoverer) // before the guard: it lets a handler's panic pass
	r.Get("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	r.Route("/api", func(r chi.Router) {
		r.Group(func(r chi.Router) { // every route of the group takes this scope
			r.Use(guard.Require("reports:read"))
			r.Get("/reports", list)
			r.Get("/reports/{id}", show)
		})
		r.With(guard.Require("reports:write")).Delete("/reports/{id}", remove) // one route
	})
	return r, nil
}

func list(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "the reports of %s\n", id.Subject)
}

func show(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "report %q, for %s\n", chi.URLParam(r, "id"), id.Subject)
}

func remove(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }
