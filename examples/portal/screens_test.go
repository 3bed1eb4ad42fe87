package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

var screenshots = flag.String("screenshots", "", "`directory` for TestScreenshots to write to")

// A view is a page in one of its states, and how to get there.
type view struct {
	name string
	as   int // the account; -1: nobody
	open func(t *testing.T, ctx context.Context)
}

// views returns all pages, of a portal with much in it: accounts, tokens in
// every state, long names and long scopes.
func views(t *testing.T, p *testPortal) []view {
	t.Helper()
	day := 24 * time.Hour
	fill(t, p)
	_, token := p.token(t, "ada", "Nightly report", 30*day, readReports)
	current := func() *store.Credential {
		list, err := p.secrets.List(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	at := func(path string, wait string) func(*testing.T, context.Context) {
		return func(t *testing.T, ctx context.Context) {
			do(t, ctx, chromedp.Navigate(p.url+path), chromedp.WaitVisible(wait))
		}
	}
	const open = `document.querySelector("details.new").open = true`
	submit := func(path, wait, script string) func(*testing.T, context.Context) {
		return func(t *testing.T, ctx context.Context) {
			do(t, ctx, chromedp.Navigate(p.url+path), chromedp.WaitReady(`main form`),
				chromedp.Evaluate[chromedp.Void](script), chromedp.WaitVisible(wait))
		}
	}
	return []view{
		{"login", -1, at("/login", "#email")},
		{"login-wrong", -1, submit("/login", "#error", `email.value = "ada@example.com"; password.value = "wrong"; document.querySelector("main form").submit()`)},
		{"profile", 0, at("/profile", ".sessions")},
		{"profile-second", 0, submit("/profile", `.pages a[href="/profile#tokens"]`, `document.querySelector("a[rel=next]").click()`)},
		{"profile-all", 0, at("/profile?show=all", ".sessions")},
		{"profile-done", 0, at("/profile?done=token-revoked", ".said")},
		{"profile-empty", 1, at("/profile", ".empty")},
		{"token-form", 0, submit("/profile", "#name", open)},
		{"token-form-wrong", 0, submit("/profile", "#name-wrong", open+`; document.querySelector("[name=access][value=some]").checked = true;
			document.querySelector("[name=lifetime][value=custom]").checked = true; amount.value = "400"; document.querySelector(".token-form").submit()`)},
		{"token-issued", 0, submit("/profile", "#plaintext", open+`; document.getElementById("name").value = "laptop"; document.querySelector(".token-form").submit()`)},
		{"token-refresh", 0, at("/profile/tokens/"+token+"/refresh", ".actions")},
		{"token-revoke", 0, at("/profile/tokens/"+token+"/revoke", ".actions")},
		{"secret-rotate", 0, at("/profile/secret/rotate?id="+current().ID, ".actions")},
		{"secret-rotated", 0, submit("/profile/secret/rotate?id="+current().ID, "#plaintext", `document.querySelector("main form").submit()`)},
		{"app", 0, at("/app", "#list li")},
		{"app-refused", 1, submit("/app", "#wrong", `title.value = "Q4"; setTimeout(() => document.getElementById("new").requestSubmit(), 100)`)},
		{"admin", 0, at("/admin", ".accounts")},
		{"admin-leaked-wrong", 0, submit("/admin", "#leaked-wrong", `leaked.value = "nonsense"; document.querySelector("form[action$=leaked]").submit()`)},
		{"admin-disable", 0, at("/admin/accounts/ben/disable", ".actions")},
		{"admin-sign-out", 0, at("/admin/accounts/ben/sign-out", ".actions")},
		{"error", 0, at("/profile/tokens/none/revoke", "[role=alert]")},
		{"forbidden", 1, at("/admin", "[role=alert]")},
		{"resume", -1, func(t *testing.T, ctx context.Context) {
			signIn(t, ctx, p.about())
			do(t, ctx, chromedp.Evaluate[chromedp.Void](open+`; document.getElementById("name").value = "Backup of the archive"`), deleteCookies())
			do(t, ctx, chromedp.Submit(`#name`), chromedp.WaitVisible(`#email`))
		}},
		{"continue", -1, func(t *testing.T, ctx context.Context) {
			do(t, ctx, // goes on from the page before
				chromedp.SendKeys(`#email`, p.about().Email), chromedp.SendKeys(`#password`, p.about().Password),
				chromedp.Submit(`#password`), chromedp.WaitVisible(`.actions`))
		}},
	}
}

// fill gives ada something of everything.
func fill(t *testing.T, p *testPortal) {
	t.Helper()
	day := 24 * time.Hour
	for i := range 24 {
		p.insert(t, store.KindToken, fmt.Sprintf("Build agent %d", 24-i), time.Duration(100+i)*day, time.Duration(200-i)*day, func(c *store.Credential) {
			c.Scopes = []string{readReports}
			c.LastUsedAt = time.Now().Add(-time.Duration(i*i+3) * time.Minute).UTC()
		})
	}
	p.insert(t, store.KindToken, "Old laptop", 300*day, -2*day, nil)
	p.insert(t, store.KindToken, "Lost phone", 90*day, 20*day, func(c *store.Credential) { c.RevokedAt = time.Now().Add(-day).UTC() })
	p.insert(t, store.KindToken, "Quarterly export", 28*day, 2*day, func(c *store.Credential) { c.LastUsedAt = time.Now().Add(-3 * time.Hour).UTC() })
	p.insert(t, store.KindToken, "Deployment", 10*day, 10*time.Minute, func(c *store.Credential) { c.RotatedAt = time.Now().Add(-time.Minute).UTC() })
	p.insert(t, store.KindToken, "تقرير المبيعات الأسبوعي", 3*day, 27*day, nil)
	p.insert(t, store.KindToken, strings.Repeat("a-very-long-name-without-a-space-", 7), 112*day, 28*day, func(c *store.Credential) {
		c.Scopes = []string{readReports, writeReports, "a:scope:" + strings.Repeat("that-goes-on-and-on-", 8)}
	})
	p.insert(t, store.KindSecret, "old", 80*day, 10*day, nil)
	if _, _, err := p.secrets.Issue(t.Context(), secret.Request{Subject: "ada"}); err != nil {
		t.Fatal(err)
	}
	for _, agent := range []string{"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1", "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0", "curl/8.9"} {
		v := p.visit(t)
		v.Transport = agentTransport(agent)
		v.post("/login", "email", "ada@example.com", "password", p.passwords[0])
	}
	v := p.visit(t)
	for range 3 {
		v.post("/login", "email", "ada@example.com", "password", "wrong")
	}
	p.activity.observe(t.Context(), auth.Event{Type: auth.Refused, Scheme: "Bearer", Subject: "ada", Err: auth.ErrInvalidCredentials})
	for _, title := range []string{strings.Repeat("A long title that goes on. ", 7), "نتائج الربع الثاني", "Customers by country", "Q3 revenue"} {
		p.reports.add(title, "ada")
	}
}

// colours are the two that a page is looked at in.
var colours = []string{"light", "dark"}

func look(t *testing.T, ctx context.Context, width int64, colour string) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colour}},
		})
		return err
	}))
}

// each opens every page in a browser in which the right account is signed in,
// and calls f.
func each(t *testing.T, f func(t *testing.T, ctx context.Context, name string)) {
	t.Helper()
	p := newPortal(t)
	var browsers [3]context.Context
	list := views(t, p)
	for i := range browsers {
		browsers[i] = openBrowser(t)
	}
	signIn(t, browsers[0], p.about())
	ben := p.about()
	ben.demoUser = ben.Other
	signIn(t, browsers[1], ben)
	for _, v := range list {
		t.Run(v.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(browsers[(v.as+3)%3], time.Minute)
			defer cancel()
			v.open(t, ctx)
			f(t, ctx, v.name)
		})
	}
}

// TestScreenshots writes a picture of every page: wide and narrow, light and
// dark.
//
//	go test ./portal -run TestScreenshots -screenshots DIR
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots names no directory")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, ctx context.Context, name string) {
		for _, width := range []int64{1280, 390} {
			for _, colour := range colours {
				look(t, ctx, width, colour)
				png := get(t, ctx, chromedp.FullScreenshot(100))
				file := filepath.Join(*screenshots, fmt.Sprintf("%s-%d-%s.png", name, width, colour))
				if err := os.WriteFile(file, png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
