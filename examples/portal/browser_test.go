package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one browser that all tests share, each with a profile of its
// own in it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		return nil, exec.ErrNotFound
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // it cannot run as root otherwise, as it does in containers
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
	)
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	closeChromium = func() { chromedp.Cancel(ctx); cancel() }
	return ctx, chromedp.Do(ctx) // starts it
})

var closeChromium = func() {}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	closeChromium()
	os.Exit(code)
}

// browser returns a context for chromedp, with a profile of its own, for two
// minutes.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(openBrowser(t), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// openBrowser is browser without a limit of time. When the test ends nothing may
// have been against the Content-Security-Policy, and no script may have failed.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	parent, err := chromium()
	if errors.Is(err, exec.ErrNotFound) {
		if os.Getenv("CI") != "" {
			t.Fatal("Chromium is missing")
		}
		t.Skip("Chromium is missing")
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	do(t, ctx)
	watchConsole(t, ctx)
	do(t, ctx, chromedp.EmulateViewport(1280, 900))
	return ctx
}

// watchConsole fails the test for what the browser complains about.
func watchConsole(t *testing.T, ctx context.Context) {
	t.Helper()
	var mu sync.Mutex
	var complaints []string
	err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			if ev.Entry.Source == log.EntrySourceSecurity || strings.Contains(ev.Entry.Text, "Content Security Policy") {
				complaints = append(complaints, ev.Entry.Text)
			}
		case *audits.EventIssueAdded:
			if ev.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
				complaints = append(complaints, fmt.Sprintf("%+v", ev.Issue.Details.ContentSecurityPolicyIssueDetails))
			}
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, ev.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		if err == nil {
			_, err = cdp.Call(ctx, t, audits.Enable, cdp.Empty{})
		}
		if err == nil { // every window believes that it is in front
			_, err = cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		}
		return err
	}))
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
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
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)

	signIn(t, ctx, a)
	page := text(t, ctx)
	if !strings.Contains(page, a.Email) || !strings.Contains(page, "This device") {
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
			chromedp.Click(`form[action^="http"] button`),
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

// deleteCookies makes the browser forget its session, as its end does.
func deleteCookies() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	})
}

// agentTransport sends requests as another client.
type agentTransport string

func (a agentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", string(a))
	return http.DefaultTransport.RoundTrip(r)
}

func withoutScripts() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}
