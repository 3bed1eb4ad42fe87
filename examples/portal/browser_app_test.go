package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/keystile/keystile/store"
)

// An unsteady store does not answer as often as it is told to.
type unsteady struct {
	store.Store
	fail atomic.Int32
}

func (u *unsteady) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if u.fail.Add(-1) >= 0 {
		return nil, errors.New("the store is down")
	}
	return u.Store.Find(ctx, k, d)
}

// TestBrowserApp uses the front end: with the cookie alone it reads and writes,
// tells what is missing, tries again, and sends to sign in.
func TestBrowserApp(t *testing.T) {
	t.Parallel()
	st := &unsteady{}
	p := newPortalOn(t, "sqlite:"+filepath.Join(t.TempDir(), "portal.db"), func(of store.Store) store.Store { st.Store = of; return st })
	a := p.about()
	ctx := browser(t)

	// It sends to sign in, and one comes back.
	do(t, ctx,
		chromedp.Navigate(a.URL+"/app"), chromedp.WaitVisible(`#email`),
		chromedp.SendKeys(`#email`, a.Email), chromedp.SendKeys(`#password`, a.Password), chromedp.Submit(`#password`),
		chromedp.WaitVisible(`#empty`),
	)
	if url := get(t, ctx, chromedp.Location()); !strings.HasSuffix(url, "/app") {
		t.Errorf("signed in, and now at %s", url)
	}

	// Write, and read it.
	const evil = `Q3 <img src=x onerror="alert(1)">`
	add := func(ctx context.Context, title string) {
		do(t, ctx, chromedp.SetValue(`#title`, title), chromedp.Click(`#new button`))
	}
	add(ctx, evil)
	do(t, ctx, chromedp.WaitVisible(`#list li`), chromedp.WaitVisible(`#said`))
	if page := text(t, ctx); !strings.Contains(page, evil) || !strings.Contains(page, "is added") {
		t.Errorf("the report is not there:\n%s", page)
	}
	if list := p.reports.all(); len(list) != 1 || list[0].Title != evil || list[0].Author != "ada" {
		t.Errorf("the reports are %+v", list)
	}

	// 503: it tries again by itself.
	st.fail.Store(1)
	add(ctx, "Q4")
	do(t, ctx, chromedp.Poll[chromedp.Void](`document.getElementById("said").textContent.includes("Trying again")`))
	do(t, ctx, chromedp.Poll[chromedp.Void](`document.getElementById("said").textContent.includes("Q4")`))

	// 401: the session ends while a title is typed; it is still there afterwards.
	do(t, ctx, deleteCookies())
	add(ctx, "Half a title")
	do(t, ctx,
		chromedp.WaitVisible(`#email`),
		chromedp.SendKeys(`#email`, a.Email), chromedp.SendKeys(`#password`, a.Password), chromedp.Submit(`#password`),
		chromedp.WaitVisible(`#list li`),
	)
	if title := get(t, ctx, chromedp.Value(`#title`)); title != "Half a title" {
		t.Errorf("the title is %q", title)
	}

	// 403: it says what is missing, and keeps what was typed.
	ben := a
	ben.demoUser = a.Other
	do(t, ctx, deleteCookies())
	signIn(t, ctx, ben)
	do(t, ctx, chromedp.Navigate(a.URL+"/app"), chromedp.WaitVisible(`#list li`))
	add(ctx, "Q1")
	do(t, ctx, chromedp.WaitVisible(`#wrong`))
	if page := text(t, ctx); !strings.Contains(page, "it lacks the permission reports:write") {
		t.Errorf("ben is told:\n%s", page)
	}
	if title := get(t, ctx, chromedp.Value(`#title`)); title != "Q1" {
		t.Errorf("the title is %q", title)
	}
}
