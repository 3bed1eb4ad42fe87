package auth_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
)

// This authenticator is WRONG: it takes every failure for "no credentials".
// The next scheme is asked instead, or the request passes as anonymous, so that
// a revoked key is as good as none, and with the database down everybody is a
// stranger. Each failure has an error of its own: see [auth.Authenticator].
func Example_incorrect() {
	find := func(key string) (subject string, err error) {
		if key == "letmein" {
			return "", errors.New("connection refused") // the database is down
		}
		return "", sql.ErrNoRows
	}
	wrong := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		key, err := auth.HeaderCredentials(r.Header, "ApiKey")
		if err != nil {
			return nil, auth.ErrNoCredentials // WRONG: may be ErrMalformed
		}
		subject, err := find(key)
		if err != nil {
			return nil, auth.ErrNoCredentials // WRONG: invalid, or an outage
		}
		return &auth.Identity{Subject: subject}, nil
	})
	right := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		key, err := auth.HeaderCredentials(r.Header, "ApiKey")
		if err != nil {
			return nil, err
		}
		subject, err := find(key)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, auth.ErrInvalidCredentials
		case err != nil:
			return nil, fmt.Errorf("api keys: %w", err) // an outage
		}
		return &auth.Identity{Subject: subject}, nil
	})

	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, authorization := range []string{"ApiKey revoked", "ApiKey letmein", "ApiKey two words"} {
		fmt.Printf("%-17s", authorization)
		for _, scheme := range []auth.Authenticator{wrong, right} {
			guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{scheme}})
			if err != nil {
				log.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", authorization)
			w := httptest.NewRecorder()
			guard.Optional(page).ServeHTTP(w, r)
			fmt.Print(" ", w.Code)
		}
		fmt.Println()
	}
	// Output:
	// ApiKey revoked    200 401
	// ApiKey letmein    200 503
	// ApiKey two words  200 400
}
