package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a portal issued works in the next one on the same file: tokens, secrets,
// passwords and the sessions of browsers. It can be started any number of times.
func TestRestart(t *testing.T) {
	path := "sqlite:" + filepath.Join(t.TempDir(), "portal.db")
	first, stop := startJSONUntil(t, "-store", path)
	browser := newClient(t, first, first.demoUser)
	stop()
	for range 7 { // secrets are limited to five
		_, stop := startJSONUntil(t, "-store", path)
		stop()
	}
	second := startJSON(t, "-store", path)
	if second.Password != first.Password || second.Secret == first.Secret {
		t.Error("the password must stay, the secret must be new")
	}
	if status, who := call(t, "GET", second.URL+"/api/whoami", "Bearer "+first.Token, ""); status != 200 || who["subject"] != "ada" {
		t.Errorf("the first token: %d %v", status, who)
	}
	if status := whoami(t, browser, second.URL); status != 200 {
		t.Errorf("the session: %d", status)
	}
}

// newClient returns a browser that has signed in to a portal.
func newClient(t *testing.T, a about, user demoUser) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: insecureJar{jar}}
	res, err := browser.PostForm(a.URL+"/login", url.Values{"email": {user.Email}, "password": {user.Password}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.Request.URL.Path != "/profile" {
		t.Fatalf("sign in: %s at %s", res.Status, res.Request.URL)
	}
	return browser
}

// insecureJar gives cookies to localhost without TLS, as browsers do, and to
// every port.
type insecureJar struct{ http.CookieJar }

func (j insecureJar) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(secured(u)) }

func (j insecureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(secured(u), cookies)
}

func secured(u *url.URL) *url.URL { return &url.URL{Scheme: "https", Host: u.Host, Path: u.Path} }

// whoami returns how a portal answers the browser.
func whoami(t *testing.T, browser *http.Client, portal string) int {
	t.Helper()
	res, err := browser.Get(portal + "/api/whoami")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestStoreMistakes(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.db")
	if err := os.WriteFile(damaged+".key", []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, store, want string }{
		{"unknown", "mysql://localhost", `-store "mysql://localhost": must be memory, sqlite:PATH, postgres://HOST/DATABASE or redis://HOST:PORT`},
		{"empty", "", `-store "": must be`},
		{"no path", "sqlite:", "sqlite"},
		{"no directory", "sqlite:" + filepath.Join(dir, "none", "portal.db"), "none"},
		{"damaged key", "sqlite:" + damaged, "damaged.db.key"},
		{"no server", "postgres://portal:hunter2@localhost:1/portal", "postgres"},
		{"damaged variable", "postgres://localhost:1/portal", "PORTAL_KEY"},
		{"no Redis", "redis://:hunter2@localhost:1", "redis"},
		{"no address", "redis://local host", "redis"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == keyVariable {
				t.Setenv(keyVariable, "no key")
			}
			err := run(context.Background(), []string{"-addr", "localhost:0", "-store", tt.store}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}
