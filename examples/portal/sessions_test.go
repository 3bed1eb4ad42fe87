package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSessions(t *testing.T) {
	p := newMemoryPortal(t)
	one, two, three := p.signedIn(t, 0), p.signedIn(t, 0), p.signedIn(t, 0)
	ben := p.signedIn(t, 1)
	body := one.get("/profile").body
	if n := strings.Count(body, "This device"); n != 1 {
		t.Errorf("%d sessions are this one", n)
	}
	actions := regexp.MustCompile(`/profile/sessions/[^"/]+/revoke`).FindAllString(body, -1)
	if len(actions) != 2 {
		t.Fatalf("%d others, want 2", len(actions))
	}
	if res := ben.post(actions[0]); res.status != 404 { // R6
		t.Errorf("ben: %d, want 404", res.status)
	}
	if res := one.post("/profile/sessions/none/revoke"); res.status != 404 {
		t.Errorf("an unknown one: %d, want 404", res.status)
	}
	res := one.post(actions[0]) // newest first: three's
	if res.status != 303 || three.get("/profile").status != 303 || two.get("/profile").status != 200 {
		t.Error("one session must end, and no other")
	}
	if text := one.get(strings.TrimSuffix(res.Get("Location"), "#sessions")).text(); !strings.Contains(text, "That session is signed out.") {
		t.Errorf("the page does not say so: %s", text)
	}
	one.post("/profile/sessions/revoke-others")
	if two.get("/profile").status != 303 || one.get("/profile").status != 200 || ben.get("/profile").status != 200 {
		t.Error("all others must end, and neither this one nor another account's")
	}
	if text := one.get("/profile").text(); !strings.Contains(text, "You are signed in nowhere else.") {
		t.Errorf("alone:\n%s", text)
	}
}

// The session's cookie has ended: a page sends to sign in.
func TestSessionExpired(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	p.accounts.voidIssued("ada", time.Now())
	res := ada.get("/profile?show=all")
	if res.status != 303 || res.Get("Location") != "/login?next=%2Fprofile%3Fshow%3Dall" {
		t.Errorf("%d to %s", res.status, res.Get("Location"))
	}
	if !strings.Contains(res.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %s", res.Get("Set-Cookie"))
	}
}
