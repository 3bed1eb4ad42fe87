package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// generateToken exchanges a client secret for a token. The secret comes in the
// Authorization header or in the body:
//
//	{"Secret": "sec_...", "Lifetime": 3600, "Scopes": ["reports:read"]}
//
// Lifetime, in seconds, and Scopes may be left out.
func (a *app) generateToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var in struct {
		Secret   string
		Lifetime *int64
		Scopes   []string
	}
	if status, err := readJSON(w, r, &in); err != nil {
		refuseToken(w, status, "invalid_request", err.Error())
		return
	}
	if in.Secret != "" {
		if len(r.Header["Authorization"]) > 0 {
			refuseToken(w, http.StatusBadRequest, "invalid_request", "the secret must come in the header or in the body, not both")
			return
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Secret "+in.Secret)
	}
	id, err := a.clients.Authenticate(r)
	if refusal, ok := errors.AsType[*auth.Error](err); ok {
		auth.WriteProblem(w, r, refusal)
		return
	}
	lifetime, ok := seconds(in.Lifetime)
	if !ok {
		refuseToken(w, http.StatusBadRequest, "invalid_request", "Lifetime: must be a whole number of seconds from 60 to 31536000")
		return
	}
	plain, token, err := a.tokens.Exchange(r.Context(), id, bearer.Request{Name: "exchanged", Scopes: in.Scopes, Lifetime: lifetime})
	switch {
	case errors.Is(err, bearer.ErrRequest):
		refuseToken(w, http.StatusBadRequest, "invalid_request", err.Error())
	case errors.Is(err, auth.ErrInsufficientScope):
		refuseToken(w, http.StatusBadRequest, "invalid_scope", "the secret does not allow these scopes")
	case errors.Is(err, store.ErrLimit):
		refuseToken(w, http.StatusBadRequest, "invalid_request", "the account has as many tokens as it may")
	case errors.Is(err, auth.ErrInvalidCredentials): // it has just been revoked
		refuseToken(w, http.StatusBadRequest, "invalid_grant", "the secret is not valid")
	case err != nil:
		a.log.ErrorContext(r.Context(), "outage", "err", err)
		auth.WriteProblem(w, r, nil) // 503
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": plain.Reveal(),
			"token_type":   "Bearer",
			"expires_in":   int(token.ExpiresAt.Sub(token.CreatedAt).Seconds()),
			"scope":        strings.Join(token.Scopes, " "),
		})
	}
}

// seconds returns n seconds as a lifetime, and false if it is out of bounds.
// Without n it returns 0, which asks for the default.
func seconds(n *int64) (time.Duration, bool) {
	if n == nil {
		return 0, true
	}
	if *n < 60 || *n > 365*24*60*60 {
		return 0, false
	}
	return time.Duration(*n) * time.Second, true
}

// refuseToken answers with an error as RFC 6749 section 5.2 has it.
func refuseToken(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}
