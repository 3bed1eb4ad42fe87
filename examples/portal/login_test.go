package main

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWrongPassword(t *testing.T) {
	p := newMemoryPortal(t)
	v := p.visit(t)
	for _, email := range []string{"ada@example.com", "nobody@example.com"} { // the same, whether or not there is such an account
		res := v.post("/login", "email", email, "password", "hunter2", "next", "/app")
		if res.status != 422 || !strings.Contains(res.text(), "The email or the password is not right.") {
			t.Errorf("%s: %d %s", email, res.status, res.text())
		}
		if res.value("email") != email || strings.Contains(res.body, "hunter2") || !strings.Contains(res.body, `name="next" value="/app"`) {
			t.Errorf("%s: what was typed must stay, but for the password:\n%s", email, res.body)
		}
	}
	if res := v.post("/login", "email", " ADA@example.com", "password", p.passwords[0]); res.status != 422 {
		t.Errorf("a space before: %d", res.status)
	}
	if res := v.post("/login", "email", "ADA@example.com", "password", p.passwords[0]); res.status != 303 {
		t.Errorf("in capitals: %d", res.status)
	}
}

// newProxied is a portal behind a proxy, so that a test can come from anywhere.
func newProxied(t *testing.T) (*testPortal, func(from string) *visitor) {
	p := newMemoryPortal(t)
	var proxies proxyList
	if err := proxies.Set("127.0.0.0/8, ::1/128"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fromClients(proxies, p.routes()))
	t.Cleanup(server.Close)
	p.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return p, func(from string) *visitor {
		v := p.visit(t)
		v.from = from
		return v
	}
}

// Who guesses is slowed down; the owner of the account is not locked out.
func TestThrottledLogin(t *testing.T) {
	p, from := newProxied(t)
	guesser := from("192.0.2.1")
	for i := range freeTries {
		if res := guesser.post("/login", "email", "ada@example.com", "password", "wrong"); res.status != 422 {
			t.Fatalf("try %d: %d", i+1, res.status)
		}
	}
	for _, password := range []string{"wrong", p.passwords[0]} { // a guesser must not learn which one is right
		res := guesser.post("/login", "email", "Ada@example.com", "password", password)
		wait, err := strconv.Atoi(res.Get("Retry-After")) // a minute, less what checking passwords took
		if res.status != 429 || err != nil || wait < 30 || wait > 60 || !strings.Contains(res.text(), fmt.Sprintf("Try again in %d seconds.", wait)) || res.value("email") != "Ada@example.com" {
			t.Errorf("one too many: %d, Retry-After %q\n%s", res.status, res.Get("Retry-After"), res.text())
		}
	}
	if res := from("192.0.2.1, 192.0.2.99").post("/login", "email", "ada@example.com", "password", "wrong"); res.status != 422 {
		t.Errorf("an address that the client makes up counts: %d", res.status)
	}
	if res := from("192.0.2.2").post("/login", "email", "ada@example.com", "password", p.passwords[0]); res.status != 303 {
		t.Errorf("the owner from another address: %d, want 303", res.status)
	}
	if res := guesser.post("/login", "email", "ben@example.com", "password", p.passwords[1]); res.status != 303 {
		t.Errorf("another account from the same address: %d, want 303", res.status)
	}
}

func TestThrottle(t *testing.T) {
	addr := netip.MustParseAddr
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		exhaust := func(email, from string) {
			for range freeTries {
				if wait := th.try(email, addr(from)); wait != 0 {
					t.Fatalf("%s from %s: wait %v", email, from, wait)
				}
			}
		}
		exhaust("ada", "192.0.2.1")
		if wait := th.try("ADA", addr("192.0.2.1")); wait != tryAgain {
			t.Errorf("then wait %v, want %v", wait, tryAgain)
		}
		time.Sleep(tryAgain - time.Second)
		if wait := th.try("ada", addr("192.0.2.1")); wait != time.Second {
			t.Errorf("asking does not lengthen it: wait %v, want 1s", wait)
		}
		time.Sleep(time.Second)
		if wait := th.try("ada", addr("192.0.2.1")); wait != 0 {
			t.Errorf("a minute later: wait %v", wait)
		}
		if wait := th.try("ada", addr("192.0.2.1")); wait == 0 {
			t.Error("only one more try each minute")
		}
		th.forget("ada", addr("192.0.2.1"))
		exhaust("ada", "192.0.2.1")

		exhaust("ada", "2001:db8::1")
		if wait := th.try("ada", addr("2001:db8::2")); wait == 0 {
			t.Error("another address of the same network counts anew")
		}
		exhaust("ada", "2001:db8:0:1::1")
	})
}

// However an email is written, what finds one account is one count: strings.EqualFold
// takes "\u017f" for "s", which strings.ToLower leaves as it is.
func TestThrottleCountsSpellingsTogether(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.1")
	as := accounts{all: []account{{email: "susa@example.com"}}}
	for _, spelling := range []string{"SUSA@example.com", "\u017fusa@example.com", "su\u017fa@EXAMPLE.com"} {
		if _, ok := as.byEmail(spelling); ok && tries(spelling, from) != tries("susa@example.com", from) {
			t.Errorf("%q finds the account, and counts anew", spelling)
		}
	}
}

func TestThrottleIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		from := netip.MustParseAddr("192.0.2.1")
		for range maxTriedBy + 100 {
			th.try(time.Now().String(), from)
			time.Sleep(time.Millisecond)
		}
		if n := len(th.tried); n > maxTriedBy {
			t.Errorf("%d remembered, at most %d", n, maxTriedBy)
		}
		time.Sleep(freeTries * tryAgain) // all are forgiven
		th.try("one more", from)
		if n := len(th.tried); n != 1 {
			t.Errorf("%d remembered after a while, want 1", n)
		}
	})
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Millisecond: "1 second", 1500 * time.Millisecond: "2 seconds", time.Minute: "60 seconds", 61 * time.Second: "2 minutes",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// A form that is sent when the session has ended comes back after signing in.
func TestResume(t *testing.T) {
	p := newMemoryPortal(t)
	v := p.visit(t)
	res := v.post("/profile/tokens", "name", "نسخة <b>", "access", "some", "scope", readReports, "scope", writeReports,
		"lifetime", "custom", "amount", "90", "unit", "days", "password", "hunter2", "leaked", "pat_x")
	if res.status != 401 || !strings.Contains(res.text(), "nothing that you typed is lost") {
		t.Fatalf("%d %s", res.status, res.text())
	}
	for _, secret := range []string{"hunter2", "pat_x"} {
		if strings.Contains(res.body, secret) {
			t.Errorf("the page carries %q", secret)
		}
	}
	// A wrong password does not lose it either.
	res = v.post("/login", append(res.hidden(), "email", "ada@example.com", "password", "wrong")...)
	if res.status != 422 {
		t.Fatalf("wrong password: %d", res.status)
	}
	res = v.post("/login", append(res.hidden(), "email", "ada@example.com", "password", p.passwords[0])...)
	if text := res.text(); res.status != 200 || !strings.Contains(text, "نسخة <b>") || !strings.Contains(text, "90 days") || !strings.Contains(text, readReports) {
		t.Fatalf("signed in again: %d %s", res.status, text)
	}
	if !strings.Contains(res.body, `action="/profile/tokens"`) {
		t.Errorf("the form goes elsewhere:\n%s", res.body)
	}
	plain := v.post("/profile/tokens", res.hidden()...).plaintext(t)
	list, err := p.tokens.List(t.Context(), "ada")
	if err != nil || len(list) != 1 {
		t.Fatalf("%d tokens, %v", len(list), err)
	}
	if c := list[0]; c.Name != "نسخة <b>" || strings.Join(c.Scopes, " ") != readReports+" "+writeReports || c.ExpiresAt.Sub(c.CreatedAt) != 90*24*time.Hour {
		t.Errorf("the token is not the one that was asked for: %+v", c)
	}
	if !p.works(t, "Bearer "+plain) {
		t.Error("the token does not work")
	}
}

// A button without a form leads back to where it is.
func TestResumeNothing(t *testing.T) {
	p := newMemoryPortal(t)
	for path, want := range map[string]string{
		"/profile/tokens/x/revoke": "/profile", "/profile/sessions/revoke-others": "/profile", "/admin/accounts/ben/enable": "/admin", "/admin/revoke-leaked": "/admin",
	} {
		v := p.visit(t)
		res := v.post(path, "leaked", "pat_x")
		res = v.post("/login", append(res.hidden(), "email", "ada@example.com", "password", p.passwords[0])...)
		if res.status != 303 || res.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, res.status, res.Get("Location"), want)
		}
	}
}

// What another site sends is not kept for after signing in, where it would be
// sent again with a session. X1, X5.
func TestResumeCrossSite(t *testing.T) {
	p := newMemoryPortal(t)
	for _, path := range []string{"/profile/tokens", "/login"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			form := url.Values{"name": {"planted"}, "carried.name": {"planted"}, "next": {"/profile/tokens"}, "email": {"ada@example.com"}, "password": {p.passwords[0]}}
			r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			w := httptest.NewRecorder()
			p.routes().ServeHTTP(w, r)
			if w.Code != 403 || strings.Contains(w.Body.String(), "planted") || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s with %s: %d\n%s", path, name, w.Code, w.Body)
			}
		}
	}
}
