package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowserAdmin acts as the administrator in one window, and looks at what
// becomes of it in another.
func TestBrowserAdmin(t *testing.T) {
	t.Parallel()
	a := startJSON(t)
	bens := a
	bens.demoUser = a.Other
	admin, ben := browser(t), browser(t)
	signIn(t, admin, a)
	signIn(t, ben, bens)
	act := func(action string) {
		t.Helper()
		do(t, admin,
			chromedp.Navigate(a.URL+"/admin"),
			chromedp.Click(`#ben [href$="`+action+`"], #ben form[action$="`+action+`"] button`),
		)
		if action != "enable" { // it asks
			do(t, admin, chromedp.WaitVisible(`.actions button`), chromedp.Click(`.actions button`))
		}
		do(t, admin, chromedp.WaitVisible(`[role=status]`))
	}

	act("sign-out")
	do(t, ben, chromedp.Reload(), chromedp.WaitVisible(`#email`))
	if status := useToken(t, a, bens.Token); status != 200 {
		t.Errorf("ben's token after he was signed out: %d", status)
	}

	signIn(t, ben, bens)
	act("disable")
	do(t, ben, chromedp.Reload(), chromedp.WaitVisible(`#email`))
	if status := useToken(t, a, bens.Token); status != 401 {
		t.Errorf("a disabled account's token: %d, want 401", status)
	}
	do(t, ben,
		chromedp.SendKeys(`#email`, bens.Email), chromedp.SendKeys(`#password`, bens.Password),
		chromedp.Submit(`#password`), chromedp.WaitVisible(`#error`),
	)
	if page := text(t, ben); !strings.Contains(page, "This account is disabled.") {
		t.Errorf("ben is told:\n%s", page)
	}
	act("enable")
	signIn(t, ben, bens)

	// A leaked token, by its value.
	do(t, admin,
		chromedp.Navigate(a.URL+"/admin"),
		chromedp.SendKeys(`#leaked`, bens.Token),
		chromedp.Submit(`#leaked`),
		chromedp.WaitVisible(`[role=status]`),
	)
	if status := useToken(t, a, bens.Token); status != 401 {
		t.Errorf("the leaked token: %d, want 401", status)
	}
	if url := get(t, admin, chromedp.Location()); strings.Contains(url, bens.Token) {
		t.Error("the address has the token")
	}
	do(t, ben, chromedp.Reload(), chromedp.WaitVisible(`#activity`))
	if page := text(t, ben); !strings.Contains(page, "Token revoked") {
		t.Errorf("ben's activity does not tell:\n%s", page)
	}
}
