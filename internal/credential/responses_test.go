package credential_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// C7: why a credential is not valid is nobody's business: the answers are the
// same, byte for byte.
func TestInvalidIsIndistinguishable(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		good, _ := f.issue(t, credential.Request{})
		disabled, _ := f.issue(t, credential.Request{Subject: "disabled"})
		deleted, _ := f.issue(t, credential.Request{Subject: "deleted"})
		made := func(edit func(c *store.Credential)) string {
			plaintext, _ := f.insert(t, edit)
			return plaintext
		}
		invalid := map[string]string{
			"unknown":              f.unknown(t),
			"expired":              made(func(c *store.Credential) { c.ExpiresAt = time.Now() }),
			"revoked":              made(func(c *store.Credential) { c.RevokedAt = time.Now() }),
			"rotated":              made(func(c *store.Credential) { c.RotatedAt, c.ExpiresAt = time.Now(), time.Now() }),
			"another kind":         made(func(c *store.Credential) { c.Kind = store.KindSession }),
			"elsewhere":            made(func(c *store.Credential) { c.Networks = networks("203.0.113.0/24") }),
			"bad checksum":         good[:len(good)-1] + "_",
			"too short":            good[:len(good)-1],
			"another form":         "hunter2",
			"disabled account":     disabled,
			"deleted account":      deleted,
			"signed out before":    made(func(c *store.Credential) { c.CreatedAt = time.Unix(1, 0) }),
			"of the other package": p.other().unknown(t),
		}
		guard := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{f.manager}, Accounts: accounts{
			"ada":      {Permissions: []string{auth.AllScopes}, NotBefore: time.Unix(1000, 0)},
			"disabled": {Disabled: true},
		}})
		path := mount(t, guard.Require()(hello))
		want := strings.Join([]string{
			"HTTP/1.1 401 Unauthorized",
			"Cache-Control: no-store",
			"Content-Type: application/problem+json",
			"Vary: Authorization",
			"Www-Authenticate: " + p.scheme + ` realm="api", error="invalid_token"`,
			"Content-Length: 101",
			"Connection: close",
			"",
			`{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}` + "\n",
		}, "\r\n")
		for name, plaintext := range invalid {
			if got := raw(t, path, "Authorization: "+p.scheme+" "+plaintext); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
		if got := raw(t, path, "Authorization: "+p.scheme+" "+good); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "hello, ada by "+p.scheme) {
			t.Errorf("a good one gets\n%s", got)
		}
	})
}

// P7: a credential anywhere but in the header is not looked at.
func TestHeaderOnly(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		good, _ := f.issue(t, credential.Request{})
		path := mount(t, f.guard.Require()(hello))
		form := url.Values{
			"access_token": {good}, "token": {good}, "client_secret": {good}, "secret": {good}, "Authorization": {p.scheme + " " + good},
		}.Encode()
		urlencoded := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for _, tt := range []struct {
			name, method, query, body string
			header                    http.Header
		}{
			{"query", "GET", "?" + form, "", http.Header{}},
			{"form", "POST", "", form, urlencoded},
			{"query and form", "POST", "?" + form, form, urlencoded},
			{"cookie", "GET", "", "", http.Header{"Cookie": {"access_token=" + good + "; Authorization=" + good}}},
			{"another header", "GET", "", "", http.Header{"X-Authorization": {p.scheme + " " + good}, "Proxy-Authorization": {p.scheme + " " + good}}},
			{"user information", "GET", "", "", http.Header{"Authorization": {"Basic " + good}}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				resp, _ := do(t, tt.method, path+tt.query, tt.body, tt.header)
				if challenge := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != http.StatusUnauthorized || challenge != p.scheme+` realm="api"` {
					t.Errorf("status %d, challenge %s, want 401 as without credentials", resp.StatusCode, challenge)
				}
			})
		}
		if n := f.store.finds.Load(); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

// A session is a scheme as of a cookie, whose value is the subject.
type session struct{}

func (session) Ambient() {}

func (session) Authenticate(r *http.Request) (*auth.Identity, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return nil, auth.ErrNoCredentials
	}
	return &auth.Identity{Subject: c.Value, Scheme: "Cookie"}, nil
}

// P9: a refused header never falls through to the cookie.
func TestRefusedHeaderBesideCookie(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		good, _ := f.issue(t, credential.Request{})
		guard := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{session{}, f.manager}})
		path := mount(t, guard.Require()(hello))
		for _, tt := range []struct {
			name, authorization string
			status              int
			body                string
		}{
			{"valid", p.scheme + " " + good, http.StatusOK, "hello, ada by " + p.scheme},
			{"none", "", http.StatusOK, "hello, victim by Cookie"},
			{"another scheme's", "Basic eA==", http.StatusOK, "hello, victim by Cookie"},
			{"unknown", p.scheme + " " + f.unknown(t), http.StatusUnauthorized, ""},
			{"another form", p.scheme + " bad", http.StatusUnauthorized, ""},
			{"bad checksum", p.scheme + " " + good[:len(good)-1] + "_", http.StatusUnauthorized, ""},
			{"malformed", p.scheme + " a,b", http.StatusBadRequest, ""},
			{"empty", p.scheme, http.StatusBadRequest, ""},
		} {
			t.Run(tt.name, func(t *testing.T) {
				header := http.Header{"Cookie": {"session=victim"}}
				if tt.authorization != "" {
					header.Set("Authorization", tt.authorization)
				}
				resp, body := do(t, "GET", path, "", header)
				if resp.StatusCode != tt.status || tt.body != "" && body != tt.body || strings.Contains(body, "hello") != (tt.body != "") {
					t.Errorf("%d %s, want %d %s", resp.StatusCode, body, tt.status, tt.body)
				}
			})
		}
	})
}

// C6: while the store is down, the answer is that nothing can be said: no 401,
// which signs users out, and no pass. B4 B2: and the next request, when it is
// back, is answered as ever.
func TestOutage(t *testing.T) {
	faults := map[string]func(ctx context.Context) error{
		"down":     func(context.Context) error { return errDown },
		"deadline": func(context.Context) error { return context.DeadlineExceeded },
		"hangs":    func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"panics":   func(context.Context) error { panic("no connection") },
		"nothing":  func(context.Context) error { return nil }, // no row, and no error
	}
	both(t, func(t *testing.T, p pkg) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				var broken atomic.Bool
				f.store.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
					if broken.Load() {
						return nil, fault(ctx)
					}
					return f.store.Memory.Find(ctx, k, d)
				}
				guarded := f.guard.Require()(hello)
				path := mount(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ctx := r.Context()
					if broken.Load() {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
						defer cancel()
					}
					guarded.ServeHTTP(w, r.WithContext(ctx))
				}))
				good, _ := f.issue(t, credential.Request{})
				for _, plaintext := range []string{good, f.unknown(t)} {
					broken.Store(true)
					resp, body := do(t, "GET", path, "", http.Header{"Authorization": {p.scheme + " " + plaintext}})
					if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || resp.Header["Www-Authenticate"] != nil || strings.Contains(body, "hello") {
						t.Errorf("%d %q %s, want 503 with Retry-After and no challenge", resp.StatusCode, resp.Header, body)
					}
					broken.Store(false)
					if resp, _ := do(t, "GET", path, "", http.Header{"Authorization": {p.scheme + " " + good}}); resp.StatusCode != http.StatusOK {
						t.Errorf("status %d when the store is back, want 200", resp.StatusCode)
					}
				}
			})
		}
	})
}
