package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A service issues a token, and lets in whoever presents it.
func Example() {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reports", guard.Require("reports:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "the reports of %s", id.Subject)
	})))

	plain, _, err := tokens.Issue(context.Background(), bearer.Request{
		Subject: "ada",
		Name:    "ci",
		Scopes:  []string{"reports:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("printed by accident:", plain)

	r := httptest.NewRequest("GET", "/reports", nil)
	r.Header.Set("Authorization", "Bearer "+plain.Reveal())
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)

	r.Header.Del("Authorization")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output:
	// printed by accident: [redacted]
	// 200 the reports of ada
	// 401 Bearer realm="api"
}

// A page that shows an account its tokens.
func ExampleTokens_List() {
	ctx := context.Background()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"laptop", "ci"} {
		if _, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: name, Lifetime: 30 * 24 * time.Hour}); err != nil {
			log.Fatal(err)
		}
	}

	list, err := tokens.List(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now()
	for _, t := range list {
		fmt.Printf("%s: scopes %s, active: %t, days left: %.0f\n", t.Name, t.Scopes, t.Active(now), t.ExpiresAt.Sub(now).Hours()/24)
	}
	// Unordered output:
	// ci: scopes [*], active: true, days left: 30
	// laptop: scopes [*], active: true, days left: 30
}

// An account revokes a token. To another account there is no such token.
func ExampleTokens_Revoke() {
	ctx := context.Background()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	plain, token, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}

	err = tokens.Revoke(ctx, "mallory", token.ID)
	fmt.Println("by mallory, not found:", errors.Is(err, store.ErrNotFound))

	if err := tokens.Revoke(ctx, "ada", token.ID); err != nil {
		log.Fatal(err)
	}
	_, err = tokens.Verify(ctx, plain.Reveal(), netip.Addr{})
	fmt.Println("by ada:", err)
	// Output:
	// by mallory, not found: true
	// by ada: auth: the credentials are not valid: revoked
}

// A client gets a new token, and a minute to change over to it.
func ExampleTokens_Rotate() {
	ctx := context.Background()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	before, token, err := tokens.Issue(ctx, bearer.Request{Subject: "ada", Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}

	after, next, err := tokens.Rotate(ctx, "ada", token.ID, time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	for _, plain := range []auth.Plaintext{before, after} {
		id, err := tokens.Verify(ctx, plain.Reveal(), netip.Addr{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("valid for less than two minutes:", time.Until(id.ExpiresAt) < 2*time.Minute)
	}
	fmt.Println("one family:", next.Family == token.Family)

	_, _, err = tokens.Rotate(ctx, "ada", token.ID, time.Minute)
	fmt.Println("again:", errors.Is(err, store.ErrConflict))
	// Output:
	// valid for less than two minutes: true
	// valid for less than two minutes: false
	// one family: true
	// again: true
}

// A server exchanges its client secret for a token of an hour, which may do
// less than the secret.
func ExampleTokens_Exchange() {
	st := store.NewMemory()
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{secrets}})
	if err != nil {
		log.Fatal(err)
	}
	exchange := func(w http.ResponseWriter, r *http.Request) {
		from, _ := auth.FromContext(r.Context())
		req := bearer.Request{Lifetime: time.Hour}
		if scope := r.FormValue("scope"); scope != "" {
			req.Scopes = strings.Fields(scope) // else those of the secret
		}
		plain, token, err := tokens.Exchange(r.Context(), from, req)
		switch {
		case errors.Is(err, bearer.ErrRequest), errors.Is(err, auth.ErrInsufficientScope):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		default:
			fmt.Fprintf(w, "a token of %d characters with %s", len(plain.Reveal()), token.Scopes)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /token", guard.Require()(http.HandlerFunc(exchange)))

	plain, _, err := secrets.Issue(context.Background(), secret.Request{
		Subject: "ada",
		Scopes:  []string{"reports:read", "reports:write"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, scope := range []string{"reports:read", "admin"} {
		r := httptest.NewRequest("POST", "/token?scope="+scope, nil)
		r.Header.Set("Authorization", "Secret "+plain.Reveal())
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 a token of 50 characters with [reports:read]
	// 400 bearer: exchange: auth: the credentials do not allow this: scopes beyond those of the secret
}

// One endpoint accepts personal access tokens and the JWTs of an issuer.
func ExampleChain() {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	// In the place of this a host has a library that verifies signatures.
	verifyJWT := func(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error) {
		switch {
		case strings.Count(token, ".") != 2:
			return nil, auth.ErrNoCredentials // not a JWT: not ours to judge
		case token != "header.claims.signature":
			return nil, fmt.Errorf("%w: bad signature", auth.ErrInvalidCredentials)
		}
		return &auth.Identity{Subject: "grace", Scheme: "Bearer", Scopes: []string{auth.AllScopes}}, nil
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{
		bearer.Chain(tokens, bearer.VerifierFunc(verifyJWT)),
	}})
	if err != nil {
		log.Fatal(err)
	}

	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{plain.Reveal(), "header.claims.signature", "header.claims.forged", "neither"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if id, err := guard.Authenticate(r); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(id.Subject)
		}
	}
	// Output:
	// ada
	// grace
	// auth: the credentials are not valid
	// auth: the credentials are not valid
}
