package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

const audience = "https://api.example.com"

// An issuer signs JWTs and serves its keys.
type issuer struct {
	t *testing.T
	*httptest.Server
	set  jwkset.Storage
	dead atomic.Bool
	asks atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	iss := &issuer{t: t, set: jwkset.NewMemoryStorage()}
	iss.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		iss.asks.Add(1)
		if iss.dead.Load() {
			http.Error(w, "out of order", http.StatusBadGateway)
			return
		}
		keys, err := iss.set.JSONPublic(r.Context())
		if err != nil {
			t.Error(err)
		}
		w.Write(keys)
	}))
	t.Cleanup(iss.Close)
	return iss
}

// publish makes key one of the issuer's.
func (iss *issuer) publish(kid string, key crypto.Signer) {
	iss.t.Helper()
	k, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid}})
	if err != nil {
		iss.t.Fatal(err)
	}
	if err := iss.set.KeyWrite(context.Background(), k); err != nil {
		iss.t.Fatal(err)
	}
}

// claims returns those of a good JWT, with changes.
func (iss *issuer) claims(changes jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{
		"iss": iss.URL, "aud": audience, "sub": "ben", "jti": "1", "scope": "openid reports:read",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for name, v := range changes {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(t *testing.T, m jwt.SigningMethod, kid any, key any, claims jwt.Claims) string {
	t.Helper()
	token := jwt.NewWithClaims(m, claims)
	if kid != nil {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs the service, which has a token of its own.
func serve(t *testing.T, iss *issuer) (url, own string) {
	t.Helper()
	jwts, err := newVerifier(t.Context(), iss.URL, iss.URL+"/jwks", audience)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := routes(tokens, jwts)
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(handler)
	t.Cleanup(service.Close)
	return service.URL, plain.Reveal()
}

// want checks what the service answers to a token.
func want(t *testing.T, url, name, token string, status int, body string) {
	t.Helper()
	r, _ := http.NewRequest("GET", url+"/reports", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	if res.StatusCode != status || !strings.Contains(string(got), body) {
		t.Errorf("%s: %s %s, want %d with %q", name, res.Status, got, status, body)
	}
	challenge := res.Header.Get("WWW-Authenticate")
	if invalid := strings.Contains(challenge, "invalid_token"); invalid != (status == 401) {
		t.Errorf("%s: challenge %q of a %d", name, challenge, status)
	}
}

func TestJWT(t *testing.T) {
	iss := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	iss.publish("rsa", rsaKey)
	iss.publish("ec", ecKey)
	der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	url, own := serve(t, iss)

	with := func(changes jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodES256, "ec", ecKey, iss.claims(changes))
	}
	good := with(nil)
	past := time.Now().Add(-time.Second).Unix()
	for _, c := range []struct {
		name, token string
		status      int
	}{
		{"EC", good, 200},
		{"RSA", sign(t, jwt.SigningMethodRS256, "rsa", rsaKey, iss.claims(nil)), 200},
		{"one of several audiences", with(jwt.MapClaims{"aud": []string{"x", audience}}), 200},
		{"no iat", with(jwt.MapClaims{"iat": nil}), 200},

		{"another scope", with(jwt.MapClaims{"scope": "openid"}), 403},
		{"no scope", with(jwt.MapClaims{"scope": nil}), 403},
		{"all scopes", with(jwt.MapClaims{"scope": "*"}), 403},

		{"expired", with(jwt.MapClaims{"exp": past}), 401},
		{"without an end", with(jwt.MapClaims{"exp": nil}), 401},
		{"not yet valid", with(jwt.MapClaims{"nbf": time.Now().Add(time.Minute).Unix()}), 401},
		{"wrong audience", with(jwt.MapClaims{"aud": "https://other.example.com"}), 401},
		{"no audience", with(jwt.MapClaims{"aud": nil}), 401},
		{"wrong issuer", with(jwt.MapClaims{"iss": "https://other.example.com"}), 401},
		{"no issuer", with(jwt.MapClaims{"iss": nil}), 401},
		{"no subject", with(jwt.MapClaims{"sub": nil}), 401},
		{"a scope that is a number", with(jwt.MapClaims{"scope": 1}), 401},

		{"alg none", sign(t, jwt.SigningMethodNone, "ec", jwt.UnsafeAllowNoneSignatureType, iss.claims(nil)), 401},
		{"HS256 with the public key", sign(t, jwt.SigningMethodHS256, "rsa", public, iss.claims(nil)), 401},
		{"key of another", sign(t, jwt.SigningMethodES256, "ec", other, iss.claims(nil)), 401},
		{"key of another kind", sign(t, jwt.SigningMethodRS256, "ec", rsaKey, iss.claims(nil)), 401},
		{"unknown key", sign(t, jwt.SigningMethodES256, "new", other, iss.claims(nil)), 401},
		{"names no key", sign(t, jwt.SigningMethodES256, nil, ecKey, iss.claims(nil)), 401},
		{"names a number", sign(t, jwt.SigningMethodES256, 1, ecKey, iss.claims(nil)), 401},
		{"changed", flip(good), 401},
		{"cut", good[:strings.LastIndex(good, ".")+1], 401},
		{"two dots", "..", 401},
		{"junk", "junk", 401},

		{"a token of the service", own, 200},
		{"a malformed one", own[:len(own)-1] + "!", 400},
	} {
		body := map[int]string{200: "the reports of ben", 400: "malformed", 401: "not valid", 403: "do not allow"}[c.status]
		if c.token == own {
			body = "the reports of ada"
		}
		want(t, url, c.name, c.token, c.status, body)
	}
}

// flip changes one bit of the payload of a JWT.
func flip(token string) string {
	b := []byte(token)
	i := strings.Index(token, ".") + 20
	if b[i]++; b[i] > 'z' || b[i] > 'Z' && b[i] < 'a' {
		b[i] = 'A'
	}
	return string(b)
}

// A key that the issuer begins to use is fetched when it is first seen, and one
// that is known goes on working while the issuer does not answer.
func TestRotation(t *testing.T) {
	iss := newIssuer(t)
	first, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	second, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	iss.publish("first", first)
	url, _ := serve(t, iss)
	before := sign(t, jwt.SigningMethodES256, "first", first, iss.claims(nil))
	after := sign(t, jwt.SigningMethodES256, "second", second, iss.claims(nil))
	want(t, url, "first", before, 200, "ben")
	want(t, url, "second, too early", after, 401, "")

	iss.publish("second", second)
	want(t, url, "second", after, 200, "ben")
	asks := iss.asks.Load()
	want(t, url, "first", before, 200, "ben")
	want(t, url, "second", after, 200, "ben")
	if n := iss.asks.Load() - asks; n != 0 {
		t.Errorf("the issuer was asked %d times for keys that are known", n)
	}

	iss.dead.Store(true)
	want(t, url, "second, of a dead issuer", after, 200, "ben")
	third := sign(t, jwt.SigningMethodES256, "third", second, iss.claims(nil))
	want(t, url, "third, of a dead issuer", third, 503, "temporarily")
	iss.dead.Store(false)
	want(t, url, "third", third, 401, "")

	// The first is withdrawn; the next fetch says so.
	if _, err := iss.set.KeyDelete(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	want(t, url, "third", third, 401, "")
	want(t, url, "first, withdrawn", before, 401, "")
}

// Until the issuer answers, JWTs cannot be judged; the service's own tokens can.
func TestDeadIssuer(t *testing.T) {
	iss := newIssuer(t)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	iss.publish("ec", key)
	iss.dead.Store(true)
	url, own := serve(t, iss)
	jwt1 := sign(t, jwt.SigningMethodES256, "ec", key, iss.claims(nil))
	want(t, url, "dead", jwt1, 503, "temporarily")
	want(t, url, "own", own, 200, "ada")
	want(t, url, "junk", "junk", 401, "")
	iss.dead.Store(false)
	want(t, url, "alive", jwt1, 200, "ben")

	iss.CloseClientConnections()
	iss.Close()
	want(t, url, "gone", jwt1, 200, "ben")
	want(t, url, "gone, another key", sign(t, jwt.SigningMethodES256, "x", key, iss.claims(nil)), 503, "temporarily")
}

// Made-up keys do not make the service ask the issuer without end.
func TestFlood(t *testing.T) {
	iss := newIssuer(t)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	iss.publish("ec", key)
	url, _ := serve(t, iss)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	for i := 0; i < 100 && ctx.Err() == nil; i++ {
		r, _ := http.NewRequestWithContext(ctx, "GET", url+"/reports", nil)
		r.Header.Set("Authorization", "Bearer "+sign(t, jwt.SigningMethodES256, rand.Text(), key, iss.claims(nil)))
		if res, err := http.DefaultClient.Do(r); err == nil {
			res.Body.Close()
		}
	}
	if n := iss.asks.Load(); n > 13 {
		t.Errorf("the issuer was asked %d times", n)
	}
	want(t, url, "a known key", sign(t, jwt.SigningMethodES256, "ec", key, iss.claims(nil)), 200, "ben")
}
