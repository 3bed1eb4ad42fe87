// Package whole measures a whole server: one process serves HTTP on loopback,
// another one asks it in a closed loop, each on a processor of its own.
package whole

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

const (
	tokens  = 1000
	unknown = 1000
)

// An offer is what a server tells whoever started it.
type offer struct {
	Addr    string
	Bearer  []string // values of Authorization that are let through
	Unknown []string // and that are not
	Cookie  string   // the value of Cookie
}

// Serve serves until in ends. It writes what it offers to out.
func Serve(in io.Reader, out io.Writer) error {
	var o offer
	mux, err := newMux(&o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o.Addr = listener.Addr().String()
	server := &http.Server{Handler: mux}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := json.NewEncoder(out).Encode(o); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, in)
		server.Close()
	}()
	if err := <-failed; err != http.ErrServerClosed {
		return err
	}
	return nil
}

// unguarded does what a guard does to a request and a response, and asks for no
// credentials.
func unguarded(next http.Handler) http.Handler {
	type key struct{}
	noStore, vary := []string{"no-store"}, []string{"Authorization"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Cache-Control"] = noStore
		h["Vary"] = vary
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, r)))
	})
}

// newMux returns the handler at four paths, and fills o.
func newMux(o *offer) (*http.ServeMux, error) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Hello.\n") })
	t, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		return nil, err
	}
	other, err := bearer.New(bearer.Config{Store: store.NewMemory(), Limit: -1})
	if err != nil {
		return nil, err
	}
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: cookie.AEAD})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /open", hello)
	mux.Handle("GET /unguarded", unguarded(hello))
	for path, a := range map[string]auth.Authenticator{"GET /bearer": t, "GET /cookie": sessions} {
		guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{a}})
		if err != nil {
			return nil, err
		}
		mux.Handle(path, guard.Require()(hello))
	}

	for i := range tokens {
		plain, _, err := t.Issue(context.Background(), bearer.Request{Subject: fmt.Sprint("account-", i)})
		if err != nil {
			return nil, err
		}
		o.Bearer = append(o.Bearer, "Bearer "+plain.Reveal())
	}
	for range unknown {
		plain, _, err := other.Issue(context.Background(), bearer.Request{Subject: "ada"})
		if err != nil {
			return nil, err
		}
		o.Unknown = append(o.Unknown, "Bearer "+plain.Reveal())
	}
	w := httptest.NewRecorder()
	if _, err := sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); err != nil {
		return nil, err
	}
	c := w.Result().Cookies()[0]
	o.Cookie = c.Name + "=" + c.Value
	return mux, nil
}
