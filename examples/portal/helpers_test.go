package main

import (
	"bytes"
	"crypto/rand"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// A testPortal is a portal whose inside a test can reach.
type testPortal struct {
	*app
	url string
	log *lockedBuffer
}

// newPortal starts a portal on a SQLite file, and newMemoryPortal one without.
// change, if not nil, puts something in front of the store.
func newPortal(t *testing.T) *testPortal {
	return newPortalOn(t, "sqlite:"+filepath.Join(t.TempDir(), "portal.db"), nil)
}

func newMemoryPortal(t *testing.T) *testPortal { return newPortalOn(t, "memory", nil) }

func newPortalOn(t testing.TB, name string, change func(store.Store) store.Store) *testPortal {
	t.Helper()
	kept, err := openStore(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		kept.Store = change(kept.Store)
	}
	var log lockedBuffer
	server := httptest.NewUnstartedServer(nil)
	url := strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	a, err := newApp(kept, url, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = fromClients(nil, a.routes())
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := kept.close(); err != nil {
			t.Error(err)
		}
	})
	return &testPortal{a, url, &log}
}

// about returns who can sign in: ada, and as the other one ben.
func (p *testPortal) about() about {
	user := func(i int) demoUser { return demoUser{Email: p.accounts.all[i].email, Password: p.passwords[i]} }
	return about{URL: p.url, demoUser: user(0), Other: user(1)}
}

// token issues a token to an account, and returns it as a header says it.
func (p *testPortal) token(t testing.TB, subject, name string, lifetime time.Duration, scopes ...string) (header, id string) {
	t.Helper()
	plain, cred, err := p.tokens.Issue(t.Context(), bearer.Request{Subject: subject, Name: name, Lifetime: lifetime, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + plain.Reveal(), cred.ID
}

// insert puts a credential into the store that began some time ago.
func (p *testPortal) insert(t testing.TB, kind store.Kind, name string, ago, left time.Duration, change func(*store.Credential)) {
	t.Helper()
	c := &store.Credential{ID: rand.Text()[:20], Kind: kind, Subject: "ada", Name: name, Scopes: []string{"*"},
		CreatedAt: time.Now().Add(-ago).UTC(), ExpiresAt: time.Now().Add(left).UTC()}
	c.Family = c.ID
	rand.Read(c.Digest[:])
	if change != nil {
		change(c)
	}
	if _, err := p.store.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
}

// A visitor is a browser without scripts.
type visitor struct {
	t testing.TB
	*http.Client
	url  string
	from string // its address, as a proxy says it; "" for none
}

// visit returns a browser that is not signed in.
func (p *testPortal) visit(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, url: p.url, Client: &http.Client{Jar: insecureJar{jar}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn returns a browser that has signed in as the i-th account.
func (p *testPortal) signedIn(t testing.TB, i int) *visitor {
	t.Helper()
	v := p.visit(t)
	res := v.post("/login", "email", p.accounts.all[i].email, "password", p.passwords[i])
	if res.status != http.StatusSeeOther {
		t.Fatalf("sign in: %d\n%s", res.status, res.text())
	}
	return v
}

// A shown is a page as it came.
type shown struct {
	status int
	http.Header
	body string
}

func (v *visitor) get(path string) shown { return v.send("GET", path, nil) }

// post sends a form of names and values.
func (v *visitor) post(path string, form ...string) shown {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return v.send("POST", path, values)
}

func (v *visitor) send(method, path string, form url.Values) shown {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.from != "" {
		r.Header.Set("X-Forwarded-For", v.from)
	}
	res, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return shown{res.StatusCode, res.Header, string(bytes.TrimSpace(body))}
}

// text returns what a person reads.
func (s shown) text() string {
	text := regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`).ReplaceAllString(s.body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// value returns what is in the field with this ID.
func (s shown) value(id string) string {
	tag := regexp.MustCompile(`<input id="` + id + `"[^>]*>`).FindString(s.body)
	_, rest, _ := strings.Cut(tag, ` value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(value)
}

// hidden returns the hidden fields of the page, as names and values.
func (s shown) hidden() []string {
	var fields []string
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(s.body, -1) {
		fields = append(fields, m[1], html.UnescapeString(m[2]))
	}
	return fields
}
