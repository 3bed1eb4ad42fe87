// Twoguards shows two guards on one mux. The API takes a token or a cookie and
// answers in JSON; the pages take a cookie alone, and who has none is sent to where
// one signs in, and back. main_test.go shows what becomes of a route that has the
// wrong guard. How passwords are kept, accounts, and a store and a key that outlive
// the process it does not show: the portal does.
//
//	go run ./examples/twoguards
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	s, err := newSite(store.NewMemory(), rand.Text())
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := s.tokens.Issue(context.Background(), bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	fmt.Printf(`Open http://localhost:%[1]s/reports in a browser and sign in with the password %[3]s

Without credentials the API answers 401, and a page sends to the sign-in; the API with a token:
curl -i http://localhost:%[1]s/api/whoami
curl -i 'http://localhost:%[1]s/reports?year=2026'
curl -i http://localhost:%[1]s/api/whoami -H 'Authorization: Bearer %[2]s'

Sign in, and use both; sign out, and the same cookie is refused:
curl -i -c jar http://localhost:%[1]s/login -d password=%[3]s -d 'next=/reports?year=2026'
curl -i -b jar 'http://localhost:%[1]s/reports?year=2026'
curl -i -b jar http://localhost:%[1]s/api/whoami
curl -i -b jar -X POST http://localhost:%[1]s/logout
curl -i -b jar http://localhost:%[1]s/api/whoami

Ctrl-C ends it.
`, port, plain.Reveal(), s.password)
	log.Fatal(http.Serve(listener, s.routes()))
}

// A site is what the handlers share.
type site struct {
	tokens     *bearer.Tokens
	sessions   *cookie.Sessions
	api, pages *auth.Guard
	password   string // ada's
}

func newSite(st store.Store, password string) (s *site, err error) {
	s = &site{password: password}
	if s.tokens, err = bearer.New(bearer.Config{Store: st}); err != nil {
		return nil, err
	}
	if s.sessions, err = cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: st}); err != nil {
		return nil, err
	}
	if s.api, err = auth.New(auth.Config{Authenticators: []auth.Authenticator{s.tokens, s.sessions}}); err != nil {
		return nil, err
	}
	s.pages, err = auth.New(auth.Config{Authenticators: []auth.Authenticator{s.sessions}, Refuse: refusePage})
	return s, err
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/whoami", s.api.Require()(http.HandlerFunc(whoami)))
	mux.Handle("GET /reports", s.pages.Require()(http.HandlerFunc(reports)))
	mux.HandleFunc("GET /login", loginForm) // no guard: it would send to itself
	mux.Handle("POST /login", s.sessions.Protect(http.HandlerFunc(s.login)))
	mux.HandleFunc("POST /logout", s.logout)
	return mux
}

func whoami(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"subject": id.Subject, "scheme": id.Scheme})
}
