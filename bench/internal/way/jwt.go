package way

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/validator"
	"github.com/go-chi/jwtauth/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

const (
	jwtIssuer   = "https://issuer.example.com/"
	jwtAudience = "api"
	jwtTokens   = 50
)

// sign returns the header of a token of that subject.
func sign(key []byte, subject string, expires time.Time) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    jwtIssuer,
		Subject:   subject,
		Audience:  jwt.ClaimStrings{jwtAudience},
		IssuedAt:  jwt.NewNumericDate(expires.Add(-24 * time.Hour)),
		ExpiresAt: jwt.NewNumericDate(expires),
	}).SignedString(key)
	return "Bearer " + token, err
}

// jwts returns the ways of the libraries for JWTs, all with the same HS256
// tokens.
func jwts() ([]*Way, error) {
	key := []byte("32 bytes, as RFC 7518 section 3.2")
	var good []credential
	now := time.Now()
	for i := range jwtTokens {
		subject := fmt.Sprint("account-", i)
		value, err := sign(key, subject, now.Add(24*time.Hour))
		if err != nil {
			return nil, err
		}
		good = append(good, credential{value, subject})
	}
	unknown, err1 := sign([]byte("a key that nobody here has ever seen"), "account-0", now.Add(24*time.Hour))
	expired, err2 := sign(key, "account-0", now.Add(-time.Hour))
	auth0Way, err3 := auth0(key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	var ways []*Way
	for _, w := range []*Way{golangJWT(key), auth0Way, jwx(key), jwtAuth(key)} {
		w.Status, w.header, w.values = 200, "Authorization", good
		none, garbage := 401, 401
		if w == auth0Way {
			none = 400 // ErrJWTMissing, DefaultErrorHandler
		}
		ways = append(ways, w,
			w.refused("no header", none),
			w.refused("garbage", garbage, "Bearer garbage"),
			w.refused("unknown", 401, unknown),
			w.refused("expired", 401, expired),
		)
	}
	return ways, nil
}

type claimsKey struct{}

// golangJWT: https://pkg.go.dev/github.com/golang-jwt/jwt/v5#example-ParseWithClaims-CustomClaimsType
// with the option of https://pkg.go.dev/github.com/golang-jwt/jwt/v5#WithValidMethods.
// It has no middleware of its own.
func golangJWT(key []byte) *Way {
	in := &inner{subject: func(r *http.Request) string {
		return r.Context().Value(claimsKey{}).(*jwt.RegisteredClaims).Subject
	}}
	keyFunc := func(*jwt.Token) (any, error) { return key, nil }
	return &Way{Name: "golang-jwt", Via: "github.com/golang-jwt/jwt/v5", inner: in,
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			token, err := jwt.ParseWithClaims(text, &jwt.RegisteredClaims{}, keyFunc,
				jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))
			if err != nil {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			in.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, token.Claims)))
		})}
}

// auth0: the README, "Usage".
func auth0(key []byte) (*Way, error) {
	in := &inner{subject: func(r *http.Request) string {
		return r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims).RegisteredClaims.Subject
	}}
	issuer, err := url.Parse(jwtIssuer)
	if err != nil {
		return nil, err
	}
	v, err := validator.New(func(context.Context) (any, error) { return key, nil }, validator.HS256, issuer.String(), []string{jwtAudience})
	if err != nil {
		return nil, err
	}
	return &Way{Name: "auth0/go-jwt-middleware", Via: "github.com/auth0/go-jwt-middleware/v2", inner: in,
		handler: jwtmiddleware.New(v.ValidateToken).CheckJWT(in)}, nil
}

// jwx: docs/01-jwt.md, "Parse a JWT from a *http.Request". It has no middleware
// of its own.
func jwx(key []byte) *Way {
	in := &inner{subject: func(r *http.Request) string {
		subject, _ := r.Context().Value(claimsKey{}).(jwxjwt.Token).Subject()
		return subject
	}}
	return &Way{Name: "lestrrat-go/jwx", Via: "github.com/lestrrat-go/jwx/v3", inner: in,
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := jwxjwt.ParseRequest(r, jwxjwt.WithKey(jwa.HS256(), key))
			if err != nil {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			in.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, token)))
		})}
}

// jwtAuth: the README's example, with its Verifier and its Authenticator.
func jwtAuth(key []byte) *Way {
	in := &inner{subject: func(r *http.Request) string {
		_, claims, _ := jwtauth.FromContext(r.Context())
		return claims["sub"].(string)
	}}
	ja := jwtauth.New("HS256", key, nil)
	return &Way{Name: "go-chi/jwtauth", Via: "github.com/go-chi/jwtauth/v5", inner: in,
		handler: jwtauth.Verifier(ja)(jwtauth.Authenticator(ja)(in))}
}
