// Websocket is a service that authenticates the opening of a WebSocket, browsers
// by a cookie and programs by a token, and ends the connection when what opened
// it ends.
//
//	go run ./examples/websocket
//
// What is checked once is believed for as long as a connection lasts. So this
// service checks again every five seconds: who was revoked, disabled or signed
// out is cut off within five seconds, and who has expired at that moment. A
// session that was idle for too long counts as ended, and a socket cannot renew
// its cookie: with an IdleTimeout the page has to connect anew before that.
// It checks no password, and messages are echoed, to their sender alone.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

//go:embed page.html
var page []byte

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: st, IdleTimeout: -1})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := routes(tokens, sessions, 5*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada", Name: "websocket", Lifetime: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port // browsers take the cookie of localhost without HTTPS
	fmt.Printf("In a browser: http://localhost:%d/\n", port)
	fmt.Printf("For a minute: curl -iN --output - -H 'Authorization: Bearer %s' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' http://localhost:%d/socket\n", plain.Reveal(), port)
	log.Fatal(http.Serve(listener, handler))
}

// routes returns the service, which checks connections again every so often.
func routes(tokens *bearer.Tokens, sessions *cookie.Sessions, every time.Duration) (http.Handler, error) {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{tokens, sessions},
		Observe: func(ctx context.Context, ev auth.Event) {
			slog.InfoContext(ctx, "auth", "event", ev)
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { w.Write(page) })
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) { // after a password
		if _, err := sessions.SignIn(w, r, cookie.Request{Subject: "ada"}); err != nil {
			slog.ErrorContext(r.Context(), "sign in", "err", err)
			http.Error(w, "Signing in does not work at the moment.", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.SignOut(w, r); err != nil {
			slog.ErrorContext(r.Context(), "sign out", "err", err)
			http.Error(w, "Signing out does not work at the moment.", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /socket", guard.Require()(socket{guard, every}))
	return mux, nil
}
