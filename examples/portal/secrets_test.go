package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// exchanges reports whether a token can be had for a secret.
func (p *testPortal) exchanges(t *testing.T, plaintext string) bool {
	t.Helper()
	status, body := call(t, "POST", p.url+"/api/security/tokens/generate", "Secret "+plaintext, `{"Lifetime":60}`)
	if status != 200 {
		return false
	}
	return p.works(t, "Bearer "+body["access_token"].(string))
}

func TestSecret(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	if text := ada.get("/profile").text(); !strings.Contains(text, "You have no client secret.") {
		t.Errorf("without a secret:\n%s", text)
	}
	if res := ada.get("/profile/secret/rotate"); res.status != 404 {
		t.Errorf("nothing to rotate: %d", res.status)
	}
	first := ada.post("/profile/secret").plaintext(t)
	list, err := p.secrets.List(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	client := list[0].Family
	if text := ada.get("/profile").text(); !strings.Contains(text, client) || !strings.Contains(text, "in 3 months") {
		t.Errorf("with a secret %s:\n%s", client, text)
	}

	second := ada.post("/profile/secret/rotate", "overlap", "24h").plaintext(t)
	if !p.exchanges(t, first) || !p.exchanges(t, second) {
		t.Error("with an overlap both must work")
	}
	if res := ada.post("/profile/secret/rotate", "overlap", "1h"); res.status != 422 || !strings.Contains(res.text(), "still works until") {
		t.Errorf("a second overlap: %d %s", res.status, res.text())
	}
	third := ada.post("/profile/secret/rotate", "overlap", "0").plaintext(t)
	if p.exchanges(t, second) || !p.exchanges(t, third) {
		t.Error("without an overlap the new one alone must work")
	}
	if res := ada.post("/profile/secret/rotate", "id", list[0].ID, "overlap", "0"); res.status != 409 {
		t.Errorf("one that was rotated: %d, want 409", res.status)
	}
	if res := ada.post("/profile/secret/rotate", "overlap", "90d"); res.status != 422 {
		t.Errorf("another overlap: %d, want 422", res.status)
	}

	list, _ = p.secrets.List(t.Context(), "ada")
	if res := ada.get("/profile/secret/" + list[0].ID + "/revoke"); res.status != 200 {
		t.Errorf("the question: %d", res.status)
	}
	if res := ada.post("/profile/secret/" + list[0].ID + "/revoke"); res.status != 303 || p.exchanges(t, third) {
		t.Errorf("revoked: %d", res.status)
	}
}

func TestSecretLimit(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	for range 5 {
		ada.post("/profile/secret").plaintext(t)
	}
	if res := ada.post("/profile/secret"); res.status != 422 || !strings.Contains(res.text(), "as many client secrets as an account may have") {
		t.Errorf("%d %s", res.status, res.text())
	}
}

// The last two weeks of a secret are warned of.
func TestSecretWarning(t *testing.T) {
	day := 24 * time.Hour
	for left, want := range map[time.Duration]bool{15 * day: false, 13 * day: true, time.Hour: true} {
		p := newMemoryPortal(t)
		p.insert(t, store.KindSecret, "", 90*day-left, left, nil)
		text := p.signedIn(t, 0).get("/profile").text()
		if got := strings.Contains(text, "Rotate it before your servers are locked out."); got != want {
			t.Errorf("%v left: warned %v", left, got)
		}
	}
}

// Another account's secret does not exist.
func TestSecretOfAnother(t *testing.T) {
	p := newMemoryPortal(t)
	ada, ben := p.signedIn(t, 0), p.signedIn(t, 1)
	plain := ada.post("/profile/secret").plaintext(t)
	list, _ := p.secrets.List(t.Context(), "ada")
	id := list[0].ID
	for _, res := range []shown{
		ben.post("/profile/secret/rotate", "id", id, "overlap", "0"), ben.post("/profile/secret/" + id + "/revoke"),
		ben.get("/profile/secret/rotate?id=" + id), ben.get("/profile/secret/" + id + "/revoke"),
	} {
		if res.status != 404 {
			t.Errorf("%d, want 404: %s", res.status, res.text())
		}
	}
	if !p.exchanges(t, plain) {
		t.Error("ben has ended ada's secret")
	}
}
