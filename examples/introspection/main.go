// Introspection is a service that knows nothing of keystile: it protects its
// reports with what RFC 7662 says and the standard library alone. Who issues the
// tokens, it asks.
//
//	CLIENT_SECRET=sec_... go run ./examples/introspection -endpoint http://localhost:8080/oauth/introspect -client ID
//
// It caches no answer, so a revocation holds from the next request on.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	addr := flag.String("addr", "localhost:8081", "`host:port` to listen on; port 0 is a free one")
	in := &inspector{secret: os.Getenv("CLIENT_SECRET"), client: &http.Client{Timeout: 5 * time.Second}}
	flag.StringVar(&in.endpoint, "endpoint", "http://localhost:8080/oauth/introspect", "`URL` to ask what a token may do")
	flag.StringVar(&in.id, "client", "", "`ID` of this service there; its secret is in CLIENT_SECRET")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, in.routes()))
}

// An inspector asks an authorization server about tokens.
type inspector struct {
	endpoint, id, secret string
	client               *http.Client
}

func (in *inspector) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /reports", in.require("reports:read", func(w http.ResponseWriter, r *http.Request, t token) {
		fmt.Fprintf(w, "the reports of %s\n", t.Sub)
	}))
	return mux
}

// A token is what the server says of one: RFC 7662 section 2.2.
type token struct {
	Active bool   `json:"active"`
	Sub    string `json:"sub"`
	Scope  string `json:"scope"`
}

// require calls next for requests with a token that has the scope.
func (in *inspector) require(scope string, next func(http.ResponseWriter, *http.Request, token)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, plaintext, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || plaintext == "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="reports"`)
			http.Error(w, "A token is required.", http.StatusUnauthorized)
			return
		}
		t, err := in.inspect(r.Context(), plaintext)
		scopes := strings.Fields(t.Scope)
		switch {
		case err != nil: // not the fault of whoever asks
			log.Print(err)
			w.Header().Set("Retry-After", "5")
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		case !t.Active:
			w.Header().Set("WWW-Authenticate", `Bearer realm="reports", error="invalid_token"`)
			http.Error(w, "The token is not valid.", http.StatusUnauthorized)
		case !slices.Contains(scopes, scope) && !slices.Contains(scopes, "*"): // "*": all scopes
			w.Header().Set("WWW-Authenticate", `Bearer realm="reports", error="insufficient_scope", scope="`+scope+`"`)
			http.Error(w, "The token does not allow this.", http.StatusForbidden)
		default:
			next(w, r, t)
		}
	})
}

// inspect asks what a token may do.
func (in *inspector) inspect(ctx context.Context, plaintext string) (t token, err error) {
	body := strings.NewReader(url.Values{"token": {plaintext}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, in.endpoint, body)
	if err != nil {
		return token{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(in.id), url.QueryEscape(in.secret)) // RFC 6749 section 2.3.1
	res, err := in.client.Do(r)
	if err != nil {
		return token{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return token{}, fmt.Errorf("%s: %s", in.endpoint, res.Status)
	}
	err = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&t)
	return t, err
}
