package jwt

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

// Sign makes a token as the service has made them so far.
func (l Legacy) Sign(subject, scope string, expires time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, Claims{
		Scope: scope,
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: subject, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(expires),
		},
	}).SignedString(l.Key)
}

// Issue makes old tokens.
func (l Legacy) Issue(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	plaintext, err := l.Sign(id.Subject, strings.Join(id.Scopes, " "), time.Now().Add(time.Hour))
	if err != nil {
		http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, plaintext)
}

// Before is the service as it was.
func Before(l Legacy) http.Handler {
	require := func(scopes ...string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				plaintext, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
				claims, err := l.parse(plaintext)
				if err != nil {
					http.Error(w, "unauthorized", http.StatusUnauthorized)
					return
				}
				granted := strings.Fields(claims.Scope)
				for _, s := range scopes {
					if !slices.Contains(granted, s) {
						http.Error(w, "forbidden", http.StatusForbidden)
						return
					}
				}
				id := &auth.Identity{Subject: claims.Subject, Scopes: granted}
				next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), id)))
			})
		}
	}
	return routes(require("reports:read"), require(), http.HandlerFunc(l.Issue))
}

// After is the service with the old way removed.
func After(tokens *bearer.Tokens, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Observe: observe})
	if err != nil {
		return nil, err
	}
	return routes(guard.Require("reports:read"), guard.Require(), Issue(tokens)), nil
}

func routes(requireReports, require func(http.Handler) http.Handler, issue http.Handler) http.Handler {
	mux := http.NewServeMux()
	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintln(w, id.Subject)
	})
	mux.Handle("GET /me", require(me))
	mux.Handle("GET /reports", requireReports(me))
	mux.Handle("POST /tokens", require(issue))
	return mux
}
