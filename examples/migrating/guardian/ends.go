package guardian

import (
	"context"
	"fmt"
	"net/http"

	guardian "github.com/shaj13/go-guardian/v2/auth"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

// Before is the service as it was.
func Before(strategy guardian.Strategy, issue http.Handler) http.Handler {
	return routes(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info, err := strategy.Authenticate(r.Context(), r)
			if err != nil {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{Subject: info.GetID()})))
		})
	}, issue)
}

// After is the service with the old way removed.
func After(tokens *bearer.Tokens, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Observe: observe})
	if err != nil {
		return nil, err
	}
	return routes(guard.Require(), Issue(tokens)), nil
}

func routes(require func(http.Handler) http.Handler, issue http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /me", require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintln(w, id.Subject)
	})))
	mux.Handle("POST /tokens", require(issue))
	return mux
}
