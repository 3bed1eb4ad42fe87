package endpoint_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// exampleServer returns a Server, a client's secret and a token of its account.
func exampleServer() (server *endpoint.Server, clientSecret, token string) {
	ctx, st := context.Background(), store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	if server, err = endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets, Accounts: users{}}); err != nil {
		log.Fatal(err)
	}
	s, _, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	t, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	return server, s.Reveal(), t.Reveal()
}

// examplePost sends a body to a handler as a client does.
func examplePost(h http.HandlerFunc, clientSecret, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Secret "+clientSecret)
	w := httptest.NewRecorder()
	h(w, r)
	return w
}

const exampleForm = "application/x-www-form-urlencoded"

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := endpoint.New(endpoint.Config{})
	fmt.Println(err)
	// Output:
	// endpoint: Config.Tokens: nil or zero: bearer.New makes them
	// endpoint: Config.Secrets: nil or zero: secret.New makes them
}

// The JSON form: a lifetime in seconds, and mistakes that are told.
func ExampleServer_Token() {
	server, clientSecret, _ := exampleServer()
	for _, body := range []string{`{"Lifetime": 3600, "Scopes": ["reports:read"]}`, `{"Lifetime": "an hour"}`} {
		w := examplePost(server.Token, clientSecret, "application/json", body)
		fmt.Println(w.Code, strings.Contains(w.Body.String(), `"expires_in":3600`))
	}
	w := examplePost(server.Token, "sec_wrong", "application/json", `{}`)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 true
	// 400 false
	// 401 {"error":"invalid_client","error_description":"The client authentication is missing or not valid."}
}

func ExampleServer_Introspect() {
	server, clientSecret, token := exampleServer()
	w := examplePost(server.Introspect, clientSecret, exampleForm, url.Values{"token": {token}}.Encode())
	fmt.Println(w.Code, strings.HasPrefix(w.Body.String(), `{"active":true,`))
	w = examplePost(server.Introspect, clientSecret, exampleForm, "token=unknown")
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 true
	// 200 {"active":false}
}

// A token that is unknown, or revoked already, is no error (RFC 7009 section 2.2).
func ExampleServer_Revoke() {
	server, clientSecret, token := exampleServer()
	for _, token := range []string{token, token, "unknown"} {
		w := examplePost(server.Revoke, clientSecret, exampleForm, url.Values{"token": {token}}.Encode())
		fmt.Println(w.Code)
	}
	w := examplePost(server.Introspect, clientSecret, exampleForm, url.Values{"token": {token}}.Encode())
	fmt.Println(w.Body)
	// Output:
	// 200
	// 200
	// 200
	// {"active":false}
}

func ExampleMetadata() {
	metadata, err := endpoint.Metadata(endpoint.MetadataConfig{
		Issuer:        "https://api.example.com",
		TokenEndpoint: "https://api.example.com/oauth/token",
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-authorization-server", metadata)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/oauth-authorization-server", nil))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `"issuer":"https://api.example.com"`))

	_, err = endpoint.Metadata(endpoint.MetadataConfig{Issuer: "http://api.example.com"})
	fmt.Println(err)
	// Output:
	// 200 true
	// endpoint: MetadataConfig.Issuer: "http://api.example.com": must begin with https, or for localhost with http
	// endpoint: MetadataConfig.TokenEndpoint: "": must be absolute, with a scheme and a host
}
