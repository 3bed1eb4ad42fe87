package jwt_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/migrating/internal/walk"
	"github.com/keystile/keystile/examples/migrating/jwt"
	"github.com/keystile/keystile/store"
)

func sign(t *testing.T, l jwt.Legacy, subject, scope string, left time.Duration) string {
	t.Helper()
	plaintext, err := l.Sign(subject, scope, time.Now().Add(left))
	if err != nil {
		t.Fatal(err)
	}
	return plaintext
}

func TestMove(t *testing.T) {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	var down, revoked bool
	l := jwt.Legacy{
		Key: []byte("the 32 random bytes of this test"),
		Revoked: func(context.Context, string) (bool, error) {
			if down {
				return false, errors.New("connection refused")
			}
			return revoked, nil
		},
	}
	s := walk.Start(t)
	with := func(plaintext string) *walk.Client { return s.Client("Authorization", "Bearer "+plaintext) }
	first := sign(t, l, "ada", "reports:read", time.Hour)
	narrow := sign(t, l, "ada", "", time.Hour)

	s.Deploy(jwt.Before(l), nil)
	with(first).Want(200, "GET", "/reports", "")
	with(narrow).Want(403, "GET", "/reports", "")

	// Machines with the old program may still serve: nothing new is made.
	during := func(issue http.Handler) { s.Deploy(jwt.During(l, tokens, issue, s.Observe)) }
	during(http.HandlerFunc(l.Issue))
	with(first).Want(200, "GET", "/reports", "")
	s.By("JWT")
	with(narrow).Want(403, "GET", "/reports", "")
	second := with(first).Want(200, "POST", "/tokens", "name=ci")
	if strings.HasPrefix(second, "pat_") {
		t.Error("a token that machines with the old program do not know")
	}

	during(jwt.Issue(tokens))
	plain := with(second).Want(200, "POST", "/tokens", "name=ci")
	with(plain).Want(200, "GET", "/reports", "")
	s.By("Bearer")
	still := with(narrow).Want(200, "POST", "/tokens", "name=ci")
	with(still).Want(403, "GET", "/reports", "")

	stranger := l
	stranger.Key = []byte("another key, of which nobody knows")
	_, claims, _ := strings.Cut(first, ".")
	claims, _, _ = strings.Cut(claims, ".")
	for name, bad := range map[string]string{
		"of another key":   sign(t, stranger, "ada", "reports:read", time.Hour),
		"expired":          sign(t, l, "ada", "reports:read", -time.Second),
		"nobody's":         sign(t, l, "", "reports:read", time.Hour),
		"without a key":    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + claims + ".",
		"of no method":     base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"?","typ":"JWT"}`)) + "." + claims + ".x",
		"cut":              first[:len(first)-5],
		"of no known form": "unknown",
	} {
		t.Run(name, func(t *testing.T) { with(bad).Want(401, "GET", "/me", "") })
	}
	s.Client().Want(401, "GET", "/me", "")
	revoked = true
	with(first).Want(401, "GET", "/me", "")
	revoked = false

	// An outage signs nobody out; new tokens are in another store.
	down = true
	with(first).Want(503, "GET", "/me", "")
	with(plain).Want(200, "GET", "/me", "")
	down = false

	s.Deploy(jwt.After(tokens, s.Observe))
	with(plain).Want(200, "GET", "/reports", "")
	with(first).Want(401, "GET", "/me", "")
}
