package main

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAdminIsForAdministrators(t *testing.T) {
	p := newMemoryPortal(t)
	ben := p.signedIn(t, 1)
	for _, res := range []shown{
		ben.get("/admin"), ben.get("/admin/accounts/ada/disable"), ben.post("/admin/accounts/ada/disable"), ben.post("/admin/accounts/ada/enable"),
		ben.post("/admin/accounts/ada/sign-out"), ben.post("/admin/revoke-leaked", "leaked", "x"),
	} {
		if res.status != 403 || !strings.Contains(res.text(), "does not have the permission") {
			t.Errorf("%d %s", res.status, res.text())
		}
	}
	if body := ben.get("/profile").body; strings.Contains(body, `href="/admin"`) {
		t.Error("ben is shown a way to the administration")
	}
	// A token never gets there: the pages take sessions alone.
	token, _ := p.token(t, "ada", "ci", time.Hour)
	nobody := p.visit(t)
	if res := nobody.get("/admin"); res.status != 303 {
		t.Errorf("nobody: %d", res.status)
	}
	if status, _ := call(t, "GET", p.url+"/api/whoami", token, ""); status != 200 {
		t.Errorf("the token on the API: %d", status)
	}
}

// R7: what the account has is refused from the next request on.
func TestDisable(t *testing.T) {
	p := newMemoryPortal(t)
	ada, ben := p.signedIn(t, 0), p.signedIn(t, 1)
	token, _ := p.token(t, "ben", "ci", time.Hour)
	plain := ben.post("/profile/secret").plaintext(t)
	all := func() [3]bool {
		return [3]bool{ben.get("/profile").status == 200, p.works(t, token), p.exchanges(t, plain)}
	}
	if got := all(); got != [3]bool{true, true, true} {
		t.Fatalf("session, token, secret: %v", got)
	}
	if res := ada.get("/admin/accounts/ben/disable"); res.status != 200 || !strings.Contains(res.text(), "ben@example.com") {
		t.Errorf("the question: %d %s", res.status, res.text())
	}
	if res := ada.post("/admin/accounts/ben/disable"); res.status != 303 {
		t.Fatalf("disable: %d", res.status)
	}
	if got := all(); got != [3]bool{} {
		t.Errorf("disabled: session, token, secret: %v", got)
	}
	if res := ben.post("/login", "email", "ben@example.com", "password", p.passwords[1]); res.status != 403 || !strings.Contains(res.text(), "This account is disabled.") {
		t.Errorf("signing in: %d %s", res.status, res.text())
	}
	if res := ben.post("/login", "email", "ben@example.com", "password", "wrong"); strings.Contains(res.text(), "disabled") {
		t.Error("who does not know the password learns that the account is disabled")
	}
	if text := ada.get("/admin?done=disabled").text(); !strings.Contains(text, "Disabled") || !strings.Contains(text, "The account is disabled.") {
		t.Errorf("the administration: %s", text)
	}
	ada.post("/admin/accounts/ben/enable")
	ben = p.signedIn(t, 1)
	if got := all(); got != [3]bool{true, true, true} {
		t.Errorf("enabled again: session, token, secret: %v", got)
	}
	if res := ada.post("/admin/accounts/ada/disable"); res.status != 422 || !strings.Contains(res.text(), "You cannot disable your own account") {
		t.Errorf("her own: %d %s", res.status, res.text())
	}
	for _, path := range []string{"disable", "enable", "sign-out"} {
		if res := ada.post("/admin/accounts/eve/" + path); res.status != 404 || !strings.Contains(res.text(), "There is no such account.") {
			t.Errorf("%s nobody: %d %s", path, res.status, res.text())
		}
	}
}

func TestSignOutEverywhere(t *testing.T) {
	p := newMemoryPortal(t)
	ada, ben, bens := p.signedIn(t, 0), p.signedIn(t, 1), p.signedIn(t, 1)
	token, _ := p.token(t, "ben", "ci", time.Hour)
	ada.post("/admin/accounts/ben/sign-out")
	if ben.get("/profile").status != 303 || bens.get("/profile").status != 303 {
		t.Error("ben is still signed in")
	}
	if !p.works(t, token) {
		t.Error("the token does not work any more")
	}
	ada.post("/admin/accounts/ben/sign-out", "void", "yes")
	if p.works(t, token) {
		t.Error("the token still works")
	}
	ben = p.signedIn(t, 1)
	if ben.get("/profile").status != 200 {
		t.Error("ben cannot sign in again")
	}
	if token, _ := p.token(t, "ben", "ci", time.Hour); !p.works(t, token) {
		t.Error("a new token does not work")
	}
	if text := ada.get("/admin").text(); !strings.Contains(text, "Refuses what was issued before") {
		t.Errorf("the administration: %s", text)
	}
}

func TestRevokeLeaked(t *testing.T) {
	p := newMemoryPortal(t)
	ada, ben := p.signedIn(t, 0), p.signedIn(t, 1)
	token, _ := p.token(t, "ben", "ci", time.Hour)
	plain := ben.post("/profile/secret").plaintext(t)
	for _, leaked := range []string{strings.TrimPrefix(token, "Bearer "), " " + plain + "\n"} {
		if res := ada.post("/admin/revoke-leaked", "leaked", leaked); res.status != 303 || strings.Contains(res.Get("Location"), "_") {
			t.Errorf("%d to %s", res.status, res.Get("Location"))
		}
	}
	if p.works(t, token) || p.exchanges(t, plain) {
		t.Error("what has leaked still works")
	}
	for _, other := range []string{"", "nonsense", plain[:49]} {
		res := ada.post("/admin/revoke-leaked", "leaked", other)
		if res.status != 422 || !strings.Contains(res.text(), "no token and no client secret of this portal") || other != "" && strings.Contains(res.body, other) {
			t.Errorf("%q: %d %s", other, res.status, res.text())
		}
	}
	if plaintexts.MatchString(p.log.String()) {
		t.Error("the log has a plaintext")
	}
}

// Accounts are asked on every request while an administrator changes them.
func TestAccountsConcurrently(t *testing.T) {
	p := newMemoryPortal(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				p.accounts.setDisabled("ben", i%2 == 0)
				p.accounts.voidIssued("ada", time.Now())
				if _, err := p.accounts.Account(t.Context(), "ben"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
