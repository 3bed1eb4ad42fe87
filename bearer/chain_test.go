package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// verifier returns a verifier whose every answer is subject and err.
func verifier(subject string, err error) bearer.VerifierFunc {
	return func(context.Context, string, netip.Addr) (*auth.Identity, error) {
		if err != nil {
			return nil, err
		}
		return &auth.Identity{Subject: subject, Scheme: "Bearer"}, nil
	}
}

// The verifiers are asked in order, up to the one that decides.
func TestChainOrder(t *testing.T) {
	const ok, refused, outage = http.StatusOK, http.StatusUnauthorized, http.StatusServiceUnavailable
	pass, invalid := auth.ErrNoCredentials, auth.ErrInvalidCredentials
	tests := []struct {
		name    string
		answers []error
		status  int
		asked   int
	}{
		{"the first", []error{nil, nil}, ok, 1},
		{"the second", []error{pass, nil}, ok, 2},
		{"the third", []error{pass, pass, nil}, ok, 3},
		{"a reason to pass on", []error{fmt.Errorf("no JWT: %w", pass), nil}, ok, 2},
		{"nobody", []error{pass, pass}, refused, 2},
		{"the only one does not", []error{pass}, refused, 1},
		{"invalid is final", []error{invalid, nil}, refused, 1},
		{"invalid, for a reason, is final", []error{fmt.Errorf("expired: %w", invalid), nil}, refused, 1},
		{"an outage is final", []error{errDown, nil}, outage, 1},
		{"a later outage is final", []error{pass, errDown, nil}, outage, 2},
		{"a deadline is final", []error{context.DeadlineExceeded, nil}, outage, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			var verifiers []bearer.Verifier
			for i, err := range tt.answers {
				verifiers = append(verifiers, bearer.VerifierFunc(func(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error) {
					if asked++; i != asked-1 {
						t.Errorf("verifier %d was asked as number %d", i, asked)
					}
					return verifier(fmt.Sprint(i), err)(ctx, token, addr)
				}))
			}
			got := ask(t, bearer.Chain(verifiers...), request("Bearer x"))
			if got.Code != tt.status || asked != tt.asked {
				t.Errorf("status %d, %d asked, want %d, %d", got.Code, asked, tt.status, tt.asked)
			}
			if decided := fmt.Sprint(tt.asked - 1); tt.status == ok && got.Body.String() != decided {
				t.Errorf("decided by %s, want %s", got.Body, decided)
			}
			if challenge := got.Header().Get("WWW-Authenticate"); tt.status == refused && challenge != `Bearer realm="api", error="invalid_token"` || tt.status == outage && challenge != "" {
				t.Errorf("challenge %s", challenge)
			}
		})
	}
}

// A verifier that answers nothing at all has not accepted the token; nor has
// one that panics. C6 B2
func TestChainOfBrokenVerifier(t *testing.T) {
	nothing := func(context.Context, string, netip.Addr) (*auth.Identity, error) { return nil, nil }
	nobody := func(context.Context, string, netip.Addr) (*auth.Identity, error) { return &auth.Identity{}, nil }
	panics := func(context.Context, string, netip.Addr) (*auth.Identity, error) { panic("no keys") }
	for name, v := range map[string]bearer.VerifierFunc{"nothing": nothing, "nobody": nobody, "panic": panics} {
		t.Run(name, func(t *testing.T) {
			want(t, bearer.Chain(v, verifier("ada", nil)), request("Bearer x"), http.StatusServiceUnavailable)
		})
	}
}

// A request that carries no bearer token, or a malformed one, is nobody's
// to verify.
func TestChainHeader(t *testing.T) {
	c := bearer.Chain(bearer.VerifierFunc(func(context.Context, string, netip.Addr) (*auth.Identity, error) {
		t.Error("the verifier was asked")
		return nil, nil
	}))
	for authorization, want := range map[string]error{
		"": auth.ErrNoCredentials, "Basic eA==": auth.ErrNoCredentials, "Secret x": auth.ErrNoCredentials,
		"Bearer": auth.ErrMalformed, "Bearer a,b": auth.ErrMalformed, "Bearer a b": auth.ErrMalformed,
	} {
		if id, err := c.Authenticate(request(authorization)); id != nil || !errors.Is(err, want) {
			t.Errorf("%q: %v, %v, want %v", authorization, id, err, want)
		}
	}
}

// A verifier of the host's gets the token as it was sent, the request's
// context, and the address of the connection, whatever the headers say. B7
func TestChainArguments(t *testing.T) {
	type key struct{}
	tests := []struct{ remote, want string }{
		{"198.51.100.7:4711", "198.51.100.7"},
		{"[::ffff:198.51.100.7]:4711", "198.51.100.7"},
		{"[2001:db8::7]:4711", "2001:db8::7"},
		{"@", "invalid IP"},
	}
	for _, tt := range tests {
		r := request("bEaReR   a.B-c_d~e+f/g==")
		r = r.WithContext(context.WithValue(r.Context(), key{}, "value"))
		r.RemoteAddr = tt.remote
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		asked := false
		c := bearer.Chain(bearer.VerifierFunc(func(ctx context.Context, token string, addr netip.Addr) (*auth.Identity, error) {
			asked = true
			if token != "a.B-c_d~e+f/g==" || addr.String() != tt.want || ctx.Value(key{}) != "value" {
				t.Errorf("asked for %q from %v, want the address %s", token, addr, tt.want)
			}
			return &auth.Identity{Subject: "ada"}, nil
		}))
		if _, err := c.Authenticate(r); err != nil || !asked {
			t.Errorf("%s: asked: %t, %v", tt.remote, asked, err)
		}
	}
}

// Tokens in a chain are what they are by themselves: with their networks and
// proxies, and with the same word on what is theirs.
func TestChainOfTokens(t *testing.T) {
	st := &counting{Memory: store.NewMemory()}
	tokens := newTokens(t, bearer.Config{Store: st, TrustedProxies: networks("10.0.0.0/8")})
	other := newTokens(t, bearer.Config{Store: st, Prefix: "key"})
	c := bearer.Chain(tokens, other, verifier("issuer's", nil))

	plaintext, _ := issue(t, tokens, bearer.Request{Networks: networks("203.0.113.0/24")})
	foreign, _ := issue(t, other, bearer.Request{Subject: "grace"})
	typo := plaintext[:len(plaintext)-1] + "_"
	tests := []struct {
		name, token, remote, forwarded string
		status                         int
		subject                        string
		finds                          int64
	}{
		{"through the proxy", plaintext, "10.0.0.1:1", "203.0.113.7", http.StatusOK, "ada", 1},
		{"through the proxy, from elsewhere", plaintext, "10.0.0.1:1", "198.51.100.7", http.StatusUnauthorized, "", 1},
		{"from an untrusted peer", plaintext, "198.51.100.7:1", "203.0.113.7", http.StatusUnauthorized, "", 1},
		{"of the second", foreign, "198.51.100.7:1", "", http.StatusOK, "grace", 1},
		{"of another form", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "198.51.100.7:1", "", http.StatusOK, "issuer's", 0},
		{"a typo is not passed on", typo, "198.51.100.7:1", "", http.StatusUnauthorized, "", 0}, // T2
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st.finds.Store(0)
			r := request("Bearer " + tt.token)
			r.RemoteAddr = tt.remote
			r.Header.Set("X-Forwarded-For", tt.forwarded)
			got := ask(t, c, r)
			if got.Code != tt.status || tt.status == http.StatusOK && got.Body.String() != tt.subject {
				t.Errorf("%d %s, want %d %s", got.Code, got.Body, tt.status, tt.subject)
			}
			if n := st.finds.Load(); n != tt.finds {
				t.Errorf("the store was asked %d times, want %d", n, tt.finds)
			}
		})
	}
}

// The challenge is that of the first verifier that has one.
func TestChainChallenge(t *testing.T) {
	none := verifier("ada", nil)
	a, b := newTokens(t, bearer.Config{Realm: "first"}), newTokens(t, bearer.Config{Realm: "second"})
	for _, tt := range []struct {
		name  string
		chain auth.Authenticator
		realm string
	}{
		{"tokens", bearer.Chain(a), "first"},
		{"tokens after others", bearer.Chain(none, a), "first"},
		{"the first tokens", bearer.Chain(none, b, a), "second"},
		{"no tokens", bearer.Chain(none), "api"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prefix := `Bearer realm="` + tt.realm + `"`
			for authorization, want := range map[string]string{"": prefix, "Bearer a,b": prefix + `, error="invalid_request"`} {
				if got := ask(t, tt.chain, request(authorization)).Header().Get("WWW-Authenticate"); got != want {
					t.Errorf("%q: challenge %s, want %s", authorization, got, want)
				}
			}
			want := prefix + `, error="insufficient_scope", scope="reports:read"`
			if got := tt.chain.(auth.Challenger).Challenge(auth.ErrInsufficientScope, []string{"reports:read"}).String(); got != want {
				t.Errorf("challenge %s, want %s", got, want)
			}
		})
	}
}

// The slice that Chain was given is its caller's.
func TestChainCopies(t *testing.T) {
	verifiers := []bearer.Verifier{verifier("ada", nil)}
	c := bearer.Chain(verifiers...)
	verifiers[0] = verifier("mallory", nil)
	if got := ask(t, c, request("Bearer x")); got.Body.String() != "ada" {
		t.Errorf("%d %s, want ada", got.Code, got.Body)
	}
}

// What nobody looked at the error for panics when the chain is made, not at
// the first request.
func TestChainPanics(t *testing.T) {
	for name, verifiers := range map[string][]bearer.Verifier{
		"none":           {},
		"nil":            {verifier("ada", nil), nil},
		"a nil *Tokens":  {(*bearer.Tokens)(nil)},
		"a nil function": {bearer.VerifierFunc(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.HasPrefix(v, "bearer: Chain: ") {
					t.Errorf("panic %v, want one that names Chain", v)
				}
			}()
			bearer.Chain(verifiers...)
		})
	}
}
