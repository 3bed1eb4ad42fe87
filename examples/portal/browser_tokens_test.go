package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// useToken makes a real HTTP request with a token, and returns the status.
func useToken(t *testing.T, a about, token string) int {
	t.Helper()
	status, _ := call(t, "GET", a.URL+"/api/whoami", "Bearer "+token, "")
	return status
}

// shownOnce reads the plaintext that the page shows, and leaves the page.
func shownOnce(t *testing.T, ctx context.Context) string {
	t.Helper()
	do(t, ctx, chromedp.WaitVisible(`#plaintext`))
	plain := get(t, ctx, chromedp.Value(`#plaintext`))
	url := get(t, ctx, chromedp.Location())
	if !plaintexts.MatchString(plain) || strings.Contains(url, plain) {
		t.Fatalf("%q is shown at %s", plain, url)
	}
	return plain
}

// pasted returns what is in the clipboard, pasted into a field of the page.
func pasted(t *testing.T, ctx context.Context, field string) string {
	t.Helper()
	do(t, ctx, chromedp.Focus(field), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Commands: []string{"paste"}})
		return err
	}))
	return get(t, ctx, chromedp.Value(field))
}

// TestBrowserTokens lives through the life of a token in a browser, on SQLite.
func TestBrowserTokens(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)
	signIn(t, ctx, a)

	// Create and copy.
	do(t, ctx,
		chromedp.Click(`summary`),
		chromedp.SendKeys(`#name`, "Nightly report"),
		chromedp.Click(`[name=access][value=some]`),
		chromedp.Click(`[name=scope][value="reports:read"]`),
		chromedp.Click(`[name=lifetime][value="30d"]`),
		chromedp.Click(`.token-form > button`),
	)
	first := shownOnce(t, ctx)
	do(t, ctx, chromedp.Click(`[data-copy]`), chromedp.Poll[chromedp.Void](`document.getElementById("copied").textContent.startsWith("Copied")`))
	do(t, ctx, chromedp.Click(`main a.button`), chromedp.WaitVisible(`.sessions`), chromedp.Click(`summary`), chromedp.WaitVisible(`#name`))
	if got := pasted(t, ctx, `#name`); got != first {
		t.Errorf("the clipboard has %q, want the token", got)
	}
	if status := useToken(t, a, first); status != 200 {
		t.Errorf("the token: %d, want 200", status)
	}
	if status, _ := call(t, "POST", a.URL+"/api/reports", "Bearer "+first, `{"title":"Q3"}`); status != 403 {
		t.Errorf("writing with a token that may read: %d, want 403", status)
	}
	if html := get(t, ctx, chromedp.OuterHTML(`html`)); plaintexts.MatchString(html) || !strings.Contains(html, "Nightly report") {
		t.Error("the profile must show the token, and not its plaintext")
	}

	// Refresh: the old one is refused, the new one works.
	refresh := func(overlap string) string {
		do(t, ctx,
			chromedp.Navigate(a.URL+"/profile"),
			chromedp.Click(`.tr:nth-child(2) a[href$="/refresh"]`),
			chromedp.Click(`[name=overlap][value="`+overlap+`"]`),
			chromedp.Click(`main button`),
		)
		return shownOnce(t, ctx)
	}
	second := refresh("0")
	if old, now := useToken(t, a, first), useToken(t, a, second); old != 401 || now != 200 {
		t.Errorf("refreshed: the old one %d, the new one %d; want 401 and 200", old, now)
	}
	// With an overlap both work.
	third := refresh("1h")
	if old, now := useToken(t, a, second), useToken(t, a, third); old != 200 || now != 200 {
		t.Errorf("refreshed with an overlap: the old one %d, the new one %d; want 200 and 200", old, now)
	}

	// Revoke, after a question that can be answered no.
	do(t, ctx,
		chromedp.Navigate(a.URL+"/profile"),
		chromedp.Click(`.tr:nth-child(2) a[href$="/revoke"]`),
		chromedp.Click(`.actions a`), // Cancel
		chromedp.WaitVisible(`.sessions`),
	)
	if status := useToken(t, a, third); status != 200 {
		t.Errorf("not revoked after all: %d, want 200", status)
	}
	do(t, ctx,
		chromedp.Click(`.tr:nth-child(2) a[href$="/revoke"]`),
		chromedp.Click(`main button`),
		chromedp.WaitVisible(`[role=status].good`),
	)
	if status := useToken(t, a, third); status != 401 {
		t.Errorf("revoked: %d, want 401", status)
	}
}

// TestBrowserMistake sends a form with a mistake: the browser is told, and keeps
// what was typed.
func TestBrowserMistake(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)
	signIn(t, ctx, a)
	do(t, ctx,
		chromedp.Click(`summary`),
		chromedp.SendKeys(`#name`, "Nightly report"),
		chromedp.Click(`[name=lifetime][value=custom]`),
		chromedp.SendKeys(`#amount`, "366"),
		chromedp.Click(`.token-form > button`),
		chromedp.WaitVisible(`#lifetime-wrong`),
	)
	name, title := get(t, ctx, chromedp.Value(`#name`)), get(t, ctx, chromedp.Title())
	if name != "Nightly report" || !strings.HasPrefix(title, "Error: ") {
		t.Errorf("name %q, title %q", name, title)
	}
}

// TestBrowserSecret rotates the client secret with an overlap, and exchanges the
// old one and the new one.
func TestBrowserSecret(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)
	signIn(t, ctx, a)
	do(t, ctx,
		chromedp.Click(`#secret a[href*="/rotate"]`),
		chromedp.Click(`[name=overlap][value="24h"]`),
		chromedp.Click(`main button`),
	)
	next := shownOnce(t, ctx)
	for _, secret := range []string{a.Secret, next} {
		status, body := call(t, "POST", a.URL+"/api/security/tokens/generate", "Secret "+secret, `{"Lifetime":60}`)
		if status != 200 {
			t.Fatalf("exchange: %d %v", status, body)
		}
		if got := useToken(t, a, body["access_token"].(string)); got != 200 {
			t.Errorf("the token for it: %d", got)
		}
	}
	do(t, ctx, chromedp.Click(`main a.button`), chromedp.WaitVisible(`#secret`))
	if text := get(t, ctx, chromedp.Text(`#secret`)); !strings.Contains(text, a.ClientID) || !strings.Contains(text, "Replaced") {
		t.Errorf("the profile:\n%s", text)
	}
}

// TestBrowserResume lets the session end while a form is open: the user signs in
// and has lost nothing.
func TestBrowserResume(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)
	signIn(t, ctx, a)
	do(t, ctx,
		chromedp.Click(`summary`),
		chromedp.SendKeys(`#name`, "Nightly report"),
		chromedp.Click(`[name=lifetime][value="1h"]`),
		deleteCookies(),
		chromedp.Click(`.token-form > button`),
		chromedp.WaitVisible(`#email`),
		chromedp.SendKeys(`#email`, a.Email),
		chromedp.SendKeys(`#password`, a.Password),
		chromedp.Submit(`#password`),
		chromedp.WaitVisible(`.facts`),
	)
	if page := text(t, ctx); !strings.Contains(page, "Nightly report") || !strings.Contains(page, "1 hour") {
		t.Errorf("what was typed is not there:\n%s", page)
	}
	do(t, ctx, chromedp.Click(`main button`))
	if status := useToken(t, a, shownOnce(t, ctx)); status != http.StatusOK {
		t.Errorf("the token: %d", status)
	}
}

// TestBrowserNoScript uses the pages without JavaScript.
func TestBrowserNoScript(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	ctx := browser(t)
	do(t, ctx, withoutScripts())
	signIn(t, ctx, a)
	do(t, ctx, chromedp.Click(`summary`), chromedp.SendKeys(`#name`, "ci"), chromedp.Click(`.token-form > button`))
	if status := useToken(t, a, shownOnce(t, ctx)); status != 200 {
		t.Errorf("the token: %d", status)
	}
	do(t, ctx, chromedp.WaitNotVisible(`[data-copy]`), chromedp.Navigate(a.URL+"/app"), chromedp.WaitVisible(`noscript`))
}
