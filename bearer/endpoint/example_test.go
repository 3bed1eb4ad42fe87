package endpoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// users stands for the database of the host.
type users struct{}

func (users) Account(_ context.Context, subject string) (*auth.Account, error) {
	if subject != "ada" {
		return nil, auth.ErrUnknownAccount
	}
	return &auth.Account{Permissions: []string{"reports:read", "reports:write"}}, nil
}

// A server of ada's exchanges its secret for a token, and another service asks
// what the token may do.
func Example() {
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	server, err := endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets, Accounts: users{}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/token", server.Token)
	mux.HandleFunc("/oauth/introspect", server.Introspect)
	mux.HandleFunc("/oauth/revoke", server.Revoke)

	plain, cred, err := secrets.Issue(context.Background(), secret.Request{Subject: "ada", Name: "backend"})
	if err != nil {
		log.Fatal(err)
	}
	ask := func(path string, params url.Values) (answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Active      bool
		Sub, Scope  string
	}) {
		r := httptest.NewRequest("POST", path, strings.NewReader(params.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(url.QueryEscape(cred.Family), url.QueryEscape(plain.Reveal())) // the client's ID, and its secret
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		json.Unmarshal(w.Body.Bytes(), &answer)
		return answer
	}

	issued := ask("/oauth/token", url.Values{"grant_type": {"client_credentials"}})
	fmt.Println("good for", issued.ExpiresIn, "seconds, scope", issued.Scope)

	token := url.Values{"token": {issued.AccessToken}}
	seen := ask("/oauth/introspect", token)
	fmt.Println(seen.Active, seen.Sub, seen.Scope)

	ask("/oauth/revoke", token)
	fmt.Println(ask("/oauth/introspect", token).Active)
	// Output:
	// good for 86400 seconds, scope *
	// true ada reports:read reports:write
	// false
}

// A resource server may inspect everybody's tokens; every other client may
// inspect and revoke what it was issued itself.
func ExampleConfig_mayInspect() {
	const resourceServer = "6cYmGYVOiKz5dPgmbBUV" // the Family of its secret
	own := func(_ context.Context, client *auth.Identity, token *store.Credential) bool {
		return client.Subject == token.Subject && client.Client == token.ClientID
	}
	cfg := endpoint.Config{
		MayInspect: func(ctx context.Context, client *auth.Identity, token *store.Credential) bool {
			return client.Client == resourceServer || own(ctx, client, token)
		},
		MayRevoke: own,
	}
	token := &store.Credential{Subject: "ada", ClientID: "5XK0aTq8JvN2wPdR7LsE"}
	for _, client := range []*auth.Identity{
		{Subject: "platform", Client: resourceServer},
		{Subject: "ada", Client: "5XK0aTq8JvN2wPdR7LsE"},
		{Subject: "ada", Client: "9QmB3hZc1UyF4oWgV6Di"},
	} {
		ctx := context.Background()
		fmt.Println(cfg.MayInspect(ctx, client, token), cfg.MayRevoke(ctx, client, token))
	}
	// Output:
	// true false
	// true true
	// false false
}

// An account's secret has leaked: whoever has it now, its client is ended, and
// with it all that it got.
func Example_leak() {
	ctx := context.Background()
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	plain, cred, err := secrets.Issue(ctx, secret.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	server, err := endpoint.New(endpoint.Config{Tokens: tokens, Secrets: secrets})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"Lifetime": 31536000}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Secret "+plain.Reveal())
	server.Token(httptest.NewRecorder(), r)

	// First the secrets, so that no token is exchanged in between.
	n, err := secrets.RevokeFamily(ctx, "ada", cred.Family)
	if err != nil {
		log.Fatal(err)
	}
	m, err := tokens.RevokeExchanged(ctx, "ada", cred.Family)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("secrets:", n, "tokens:", m)
	// Output:
	// secrets: 1 tokens: 1
}
