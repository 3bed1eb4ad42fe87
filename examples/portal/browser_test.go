package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browser starts Chromium and returns a context for chromedp, with a profile
// of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("Chromium is missing")
		}
		t.Skip("Chromium is missing")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // it cannot run as root otherwise, as it does in containers
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.UserDataDir(t.TempDir()),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	do(t, ctx) // starts it; the time limit is for what follows
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signIn fills in the form and waits for the profile.
func signIn(t *testing.T, ctx context.Context, a about) {
	t.Helper()
	do(t, ctx,
		chromedp.Navigate(a.URL+"/profile"),
		chromedp.WaitVisible(`#email`), // sent to sign in
		chromedp.SendKeys(`#email`, a.Email),
		chromedp.SendKeys(`#password`, a.Password),
		chromedp.Submit(`#password`),
		chromedp.WaitVisible(`.sessions`),
	)
}

// text returns what the page shows.
func text(t *testing.T, ctx context.Context) string {
	t.Helper()
	return get(t, ctx, chromedp.Text(`body`))
}

func TestBrowser(t *testing.T) {
	a := startJSON(t)
	ctx := browser(t)

	signIn(t, ctx, a)
	page := text(t, ctx)
	if !strings.Contains(page, a.Email) || !strings.Contains(page, "This browser") {
		t.Errorf("the profile does not say who is signed in, and which session is this one:\n%s", page)
	}

	// K1: the cookie as the browser has stored it.
	cookies := get(t, ctx, func(ctx context.Context, t *chromedp.Target) ([]*network.Cookie, error) {
		res, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		return res.Cookies, err
	})
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-session" || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" ||
		c.Domain != "localhost" || c.Session {
		t.Errorf("cookie %+v", c)
	}
	if visible := get(t, ctx, chromedp.Evaluate[string](`document.cookie`)); visible != "" {
		t.Errorf("scripts see the cookie: %q", visible)
	}

	// The session works on the API too.
	client := &http.Client{}
	whoami := func() int {
		r, _ := http.NewRequest("GET", a.URL+"/api/whoami", nil)
		r.Header.Set("Cookie", c.Name+"="+c.Value)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := whoami(); got != 200 {
		t.Errorf("the session on the API: %d, want 200", got)
	}

	// K6: signing out ends it on the server.
	do(t, ctx, chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible(`#email`))
	if got := whoami(); got != 401 {
		t.Errorf("the cookie after signing out: %d, want 401", got)
	}
}

func TestBrowserWrongPassword(t *testing.T) {
	a := startJSON(t)
	ctx := browser(t)
	do(t, ctx,
		chromedp.Navigate(a.URL+"/login"),
		chromedp.SendKeys(`#email`, a.Email),
		chromedp.SendKeys(`#password`, "wrong"),
		chromedp.Submit(`#password`),
		chromedp.WaitVisible(`#error`),
	)
	page, email := text(t, ctx), get(t, ctx, chromedp.Value(`#email`))
	if !strings.Contains(page, "not right") || email != a.Email {
		t.Errorf("the page says:\n%s\nand keeps the email %q", page, email)
	}
}

// TestBrowserSessions signs in with two browsers and ends one's session from
// the other.
func TestBrowserSessions(t *testing.T) {
	a := startJSON(t)
	one, other := browser(t), browser(t)
	signIn(t, one, a)
	signIn(t, other, a)
	do(t, one,
		chromedp.Reload(),
		chromedp.Click(`form[action="/profile/sessions/revoke-others"] button`),
		chromedp.WaitNotPresent(`form[action="/profile/sessions/revoke-others"]`),
	)
	do(t, other, chromedp.Navigate(a.URL+"/profile"), chromedp.WaitVisible(`#email`))
	do(t, one, chromedp.Reload(), chromedp.WaitVisible(`.mark`))
}

// TestBrowserCrossSite posts the portal's forms from another site. X1, X5.
func TestBrowserCrossSite(t *testing.T) {
	a := startJSON(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" action="%s%s"><input name="email" value="%s"><input name="password" value="%s"><button>Win</button></form>`,
			a.URL, r.URL.Path, a.Other.Email, a.Other.Password)
	}))
	defer evil.Close()
	ctx := browser(t)
	signIn(t, ctx, a)
	for _, path := range []string{"/login", "/logout", "/profile/sessions/revoke-others"} {
		do(t, ctx,
			chromedp.Navigate(evil.URL+path), // 127.0.0.1: to browsers another site than localhost
			chromedp.Click(`button`),
			chromedp.WaitNotPresent(`form[action^="http"]`), // the other site's
			chromedp.WaitReady(`body`),
		)
		// Without its cookie, which SameSite=Lax holds back, a page sends the
		// browser to sign in.
		if page := text(t, ctx); !strings.Contains(page, "Cross-origin") && !strings.Contains(page, "Sign in") {
			t.Errorf("%s from another site:\n%s", path, page)
		}
	}
	// Still signed in, and as the same account.
	do(t, ctx, chromedp.Navigate(a.URL+"/profile"), chromedp.WaitVisible(`.sessions`))
	if page := text(t, ctx); !strings.Contains(page, a.Email) {
		t.Errorf("after the attacks:\n%s", page)
	}
}
