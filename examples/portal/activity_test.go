package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
)

func TestActivity(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	if text := p.visit(t).post("/login", "email", "ada@example.com", "password", "wrong").text(); text == "" {
		t.Fatal("no page")
	}
	plain := ada.post("/profile/tokens", "name", "<ci>", "scope", readReports).plaintext(t)
	list, _ := p.tokens.List(t.Context(), "ada")
	for range 3 {
		call(t, "POST", p.url+"/api/reports", "Bearer "+plain, `{"title":"Q3"}`)
	}
	ada.post("/profile/tokens/"+list[0].ID+"/refresh", "overlap", "0").plaintext(t)
	call(t, "GET", p.url+"/api/whoami", "Bearer "+plain, "")
	ada.post("/profile/secret").plaintext(t)
	ada.post("/profile/secret/rotate", "overlap", "0").plaintext(t)

	res := ada.get("/profile")
	_, log, _ := strings.Cut(res.text(), "Recent activity")
	for _, want := range []string{
		"Signed in", "Wrong password", "Token issued", "· <ci>", "Token refused: it may not do that 3 times", "Token replaced", "Token used after it was replaced",
		"Token refused: no longer valid", "Client secret issued", "Client secret replaced", "127.0.0.1",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("not told: %q", want)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
	if plaintexts.MatchString(res.body) {
		t.Error("the page shows a plaintext")
	}
	if _, log, _ := strings.Cut(p.signedIn(t, 1).get("/profile").text(), "Recent activity"); strings.Contains(log, "Token") {
		t.Errorf("ben is shown what ada did: %s", log)
	}
}

func TestActivityIsBounded(t *testing.T) {
	var a activity
	for i := range maxEntries + 10 {
		a.add("ada", entry{Text: fmt.Sprint(i)})
	}
	if got := a.recent("ada", 1000); len(got) != maxEntries || got[0].Text != fmt.Sprint(maxEntries+9) {
		t.Errorf("%d entries, the newest %+v", len(got), got[0])
	}
	for i := range maxAccounts + 10 {
		a.add(fmt.Sprint(i), entry{Text: "x"})
	}
	if n := len(a.of); n > maxAccounts {
		t.Errorf("%d accounts", n)
	}
	a.add("eve", entry{Text: "same"})
	for range 5 {
		a.add("eve", entry{Text: "same"})
	}
	if got := a.recent("eve", 10); len(got) != 1 || got[0].Times != 6 || time.Since(got[0].At) > time.Minute {
		t.Errorf("what repeats itself: %+v", got)
	}
	a.observe(t.Context(), auth.Event{Type: auth.Authenticated, Subject: "eve"})
	a.observe(t.Context(), auth.Event{Type: auth.Refused, Err: auth.ErrInvalidCredentials})
	if got := a.recent("eve", 10); len(got) != 1 {
		t.Errorf("what is of no interest: %+v", got)
	}
}
