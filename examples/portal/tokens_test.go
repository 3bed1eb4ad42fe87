package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

var plaintexts = regexp.MustCompile(`(?:pat|sec)_[0-9A-Za-z]{46}`)

// plaintext returns the token or the secret that a page shows.
func (s shown) plaintext(t *testing.T) string {
	t.Helper()
	all := plaintexts.FindAllString(s.body, -1)
	if s.status != 200 || len(all) != 1 {
		t.Fatalf("%d, with %d plaintexts:\n%s", s.status, len(all), s.text())
	}
	return all[0]
}

func (p *testPortal) works(t *testing.T, authorization string) bool {
	t.Helper()
	status, _ := call(t, "GET", p.url+"/api/whoami", authorization, "")
	return status == 200
}

func TestCreateToken(t *testing.T) {
	p := newMemoryPortal(t)
	for _, tt := range []struct {
		name     string
		as       int
		form     []string
		scopes   string
		lifetime time.Duration
	}{
		{"least", 0, []string{"name", "ci"}, "*", 24 * time.Hour},
		{"an hour", 0, []string{"name", "ci", "access", "all", "lifetime", "1h"}, "*", time.Hour},
		{"30 days", 0, []string{"name", "ci", "lifetime", "30d"}, "*", 30 * 24 * time.Hour},
		{"a year", 0, []string{"name", "ci", "lifetime", "1y"}, "*", 365 * 24 * time.Hour},
		{"a minute", 0, []string{"name", "ci", "lifetime", "custom", "amount", "1", "unit", "minutes"}, "*", time.Minute},
		{"365 days", 0, []string{"name", "ci", "lifetime", "custom", "amount", " 365 ", "unit", "days"}, "*", 365 * 24 * time.Hour},
		{"one scope", 0, []string{"name", "ci", "access", "some", "scope", readReports}, readReports, 24 * time.Hour},
		{"two scopes", 0, []string{"name", "ci", "scope", readReports, "scope", writeReports}, readReports + " " + writeReports, 24 * time.Hour},
		{"all beats the boxes that are hidden", 0, []string{"name", "ci", "access", "all", "scope", readReports}, "*", 24 * time.Hour},
		{"ben's", 1, []string{"name", "ci", "access", "some", "scope", readReports}, readReports, 24 * time.Hour},
		{"255 bytes", 0, []string{"name", strings.Repeat("é", 127) + "x"}, "*", 24 * time.Hour},
		{"right to left", 0, []string{"name", "تقرير"}, "*", 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := p.signedIn(t, tt.as)
			res := v.post("/profile/tokens", tt.form...)
			plain := res.plaintext(t)
			id, err := p.tokens.Verify(t.Context(), plain, clientAddr(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(id.Scopes, " "); got != tt.scopes {
				t.Errorf("scopes %q, want %q", got, tt.scopes)
			}
			if got := id.ExpiresAt.Sub(id.IssuedAt); got != tt.lifetime {
				t.Errorf("lifetime %v, want %v", got, tt.lifetime)
			}
			if c := res.Get("Cache-Control"); c != "no-store" {
				t.Errorf("Cache-Control: %s", c)
			}
			if again := v.get("/profile?show=all").body; plaintexts.MatchString(again) {
				t.Error("the profile shows a plaintext")
			}
		})
	}
	if plaintexts.MatchString(p.log.String()) {
		t.Errorf("the log has a plaintext:\n%s", p.log.String())
	}
}

// Everything that can be wrong is told on the page, which keeps what was typed.
func TestCreateTokenMistakes(t *testing.T) {
	p := newMemoryPortal(t)
	for _, tt := range []struct {
		name string
		form []string
		want string
	}{
		{"no name", []string{"name", " "}, "Give the token a name"},
		{"long name", []string{"name", strings.Repeat("é", 128)}, "it takes 256 bytes, and 255 are allowed"},
		{"control characters", []string{"name", "a\x07b"}, "characters that cannot be shown"},
		{"not UTF-8", []string{"name", "a\xff"}, "characters that cannot be shown"},
		{"no scope", []string{"name", "ci", "access", "some"}, "Choose at least one scope"},
		{"a scope of others", []string{"name", "ci", "scope", writeReports}, `does not have the scope "reports:write"`},
		{"every scope", []string{"name", "ci", "scope", "*"}, `does not have the scope "*"`},
		{"zero", []string{"name", "ci", "lifetime", "custom", "amount", "0", "unit", "minutes"}, "from 1 minute to 365 days"},
		{"366 days", []string{"name", "ci", "lifetime", "custom", "amount", "366", "unit", "days"}, "from 1 minute to 365 days"},
		{"negative", []string{"name", "ci", "lifetime", "custom", "amount", "-1", "unit", "days"}, "from 1 minute to 365 days"},
		{"huge", []string{"name", "ci", "lifetime", "custom", "amount", "99999999999999999999", "unit", "days"}, "from 1 minute to 365 days"},
		{"no number", []string{"name", "ci", "lifetime", "custom", "amount", "1.5", "unit", "days"}, "whole number"},
		{"no amount", []string{"name", "ci", "lifetime", "custom", "unit", "days"}, "whole number"},
		{"no unit", []string{"name", "ci", "lifetime", "custom", "amount", "1", "unit", "years"}, "minutes, hours or days"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ben := p.signedIn(t, 1)
			res := ben.post("/profile/tokens", tt.form...)
			if res.status != http.StatusUnprocessableEntity || !strings.Contains(res.text(), tt.want) {
				t.Fatalf("%d, want 422 and %q:\n%s", res.status, tt.want, res.text())
			}
			typed := url.Values{}
			for i := 0; i < len(tt.form); i += 2 {
				typed.Set(tt.form[i], tt.form[i+1])
			}
			if got, want := res.value("name"), strings.TrimSpace(typed.Get("name")); got != want && tt.name != "not UTF-8" {
				t.Errorf("the name is %q, want %q", got, want)
			}
			if got, want := res.value("amount"), typed.Get("amount"); got != want {
				t.Errorf("the amount is %q, want %q", got, want)
			}
			if !strings.Contains(res.body, `class="new" open`) {
				t.Error("the form is closed")
			}
			if list, _ := p.tokens.List(t.Context(), "ben"); len(list) > 0 {
				t.Errorf("there are %d tokens", len(list))
			}
		})
	}
}

func TestTokenLimit(t *testing.T) {
	p := newMemoryPortal(t)
	for range 1000 {
		if _, _, err := p.tokens.Issue(t.Context(), bearer.Request{Subject: "ada", Name: "ci"}); err != nil {
			t.Fatal(err)
		}
	}
	res := p.signedIn(t, 0).post("/profile/tokens", "name", "one more")
	if res.status != 422 || !strings.Contains(res.text(), "as many tokens as an account may have") || res.value("name") != "one more" {
		t.Errorf("%d, name %q:\n%s", res.status, res.value("name"), res.text())
	}
}

func TestEscaping(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	const evil = `<script>alert("1")</script>' onclick=x`
	for _, res := range []shown{
		ada.post("/profile/tokens", "name", evil),
		ada.post("/profile/tokens", "name", evil, "lifetime", "custom", "amount", evil),
		ada.get("/profile"),
		p.visit(t).post("/login", "email", evil, "password", "x"),
		p.visit(t).get("/login?" + url.Values{"next": {"/" + evil}}.Encode()),
		p.visit(t).post("/profile/tokens", "name", evil),
	} {
		if strings.Contains(res.body, "<script>alert") || strings.Contains(res.body, `' onclick`) {
			t.Errorf("not escaped:\n%s", res.body)
		}
		if !strings.Contains(res.body, "alert") {
			t.Errorf("not shown at all:\n%s", res.body)
		}
	}
}

// 200 tokens come in pages, each of them once.
func TestPages(t *testing.T) {
	p := newMemoryPortal(t)
	for i := range 200 {
		p.insert(t, store.KindToken, fmt.Sprintf("token %03d", i), time.Duration(200-i)*time.Minute, time.Hour, nil)
	}
	p.insert(t, store.KindToken, "ended", 300*time.Minute, -time.Minute, nil)
	ada := p.signedIn(t, 0)
	next := regexp.MustCompile(`<a rel="next" href="([^"#]*)#tokens">`)
	read := func(path string) (names []string, pages int) {
		for path != "" {
			res := ada.get(path)
			if res.status != 200 {
				t.Fatalf("%s: %d", path, res.status)
			}
			for _, m := range regexp.MustCompile(`<strong dir="auto">([^<]*)<`).FindAllStringSubmatch(res.body, -1) {
				names = append(names, m[1])
			}
			pages++
			path = ""
			if m := next.FindStringSubmatch(res.body); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		return names, pages
	}
	names, pages := read("/profile")
	if len(names) != 200 || pages != 20 || names[0] != "token 199" || names[199] != "token 000" {
		t.Errorf("%d tokens on %d pages, from %s to %s", len(names), pages, names[0], names[len(names)-1])
	}
	if names, _ := read("/profile?show=all"); len(names) != 201 || names[200] != "ended" {
		t.Errorf("with those that have ended: %d, the last one %s", len(names), names[len(names)-1])
	}
	_, id := p.token(t, "ben", "his", time.Hour)
	others, err := p.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	// R6: the cursor of another account's token only names a time.
	if names, _ := read("/profile?after=" + string(store.NewCursor(others))); len(names) != 200 {
		t.Errorf("%d tokens after the cursor of another account's token, want the account's own 200", len(names))
	}
}

func TestStatus(t *testing.T) {
	p := newMemoryPortal(t)
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d).UTC() }
	p.insert(t, store.KindToken, "one", time.Hour, time.Hour, nil)
	p.insert(t, store.KindToken, "two", time.Hour, time.Minute, nil)
	p.insert(t, store.KindToken, "three", time.Hour, -time.Minute, nil)
	p.insert(t, store.KindToken, "four", time.Hour, time.Hour, func(c *store.Credential) { c.RevokedAt = ago(time.Minute) })
	p.insert(t, store.KindToken, "five", time.Hour, time.Hour, func(c *store.Credential) { c.RotatedAt, c.LastUsedAt = ago(time.Minute), ago(3*time.Minute) })
	ada := p.signedIn(t, 0)
	body := ada.get("/profile?show=all").body
	for name, want := range map[string]string{"one": "Active", "two": "Expires soon", "three": "Expired", "four": "Revoked", "five": "Replaced"} {
		_, row, _ := strings.Cut(body, `>`+name+`</strong>`)
		row, _, _ = strings.Cut(row, `<div role="row"`)
		if !strings.Contains(row, ">"+want+"</span>") {
			t.Errorf("%s is not %s:\n%s", name, want, row)
		}
		if refresh := strings.Contains(row, "/refresh"); refresh != (name == "one" || name == "two") {
			t.Errorf("%s can be refreshed: %v", name, refresh)
		}
	}
	if !regexp.MustCompile(`<time datetime="[0-9T:Z-]{20}" title="[^"]* UTC">3 minutes ago</time>`).MatchString(body) {
		t.Error("when a token was used is not told, with the exact time on hover")
	}
	for _, never := range []string{"three", "four"} {
		if strings.Contains(ada.get("/profile").body, ">"+never+"</strong>") {
			t.Errorf("%s is among the active ones", never)
		}
	}
}

func TestRefresh(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	for _, tt := range []struct {
		overlap string
		old     bool // still works
	}{{"0", false}, {"", false}, {"1h", true}} {
		before, id := p.token(t, "ada", "ci", time.Hour, readReports)
		if text := ada.get("/profile/tokens/" + id + "/refresh").text(); !strings.Contains(text, "ci") || !strings.Contains(text, readReports) {
			t.Errorf("the question does not say what it is about: %s", text)
		}
		res := ada.post("/profile/tokens/"+id+"/refresh", "overlap", tt.overlap)
		after := "Bearer " + res.plaintext(t)
		if got := p.works(t, before); got != tt.old {
			t.Errorf("overlap %q: the old one works: %v", tt.overlap, got)
		}
		if !p.works(t, after) {
			t.Errorf("overlap %q: the new one does not work", tt.overlap)
		}
		if again := ada.post("/profile/tokens/"+id+"/refresh", "overlap", "0"); again.status != http.StatusConflict {
			t.Errorf("overlap %q: refreshed again: %d, want 409", tt.overlap, again.status)
		}
		if again := ada.get("/profile/tokens/" + id + "/refresh"); again.status != http.StatusConflict {
			t.Errorf("overlap %q: asked again: %d, want 409", tt.overlap, again.status)
		}
	}
}

// An overlap is one of those offered, and one predecessor at a time goes on.
func TestRefreshMistakes(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	_, id := p.token(t, "ada", "ci", 24*time.Hour)
	if res := ada.post("/profile/tokens/"+id+"/refresh", "overlap", "9999h"); res.status != 422 || !strings.Contains(res.text(), "Choose one of the times") {
		t.Errorf("another overlap: %d %s", res.status, res.text())
	}
	ada.post("/profile/tokens/"+id+"/refresh", "overlap", "1h").plaintext(t)
	list, err := p.tokens.List(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	next := list[0].ID
	if res := ada.post("/profile/tokens/"+next+"/refresh", "overlap", "1h"); res.status != 422 || !strings.Contains(res.text(), "still works until") {
		t.Errorf("a second overlap: %d %s", res.status, res.text())
	}
	ada.post("/profile/tokens/"+next+"/refresh", "overlap", "0").plaintext(t)
}

func TestRevokeToken(t *testing.T) {
	p := newMemoryPortal(t)
	ada, ben := p.signedIn(t, 0), p.signedIn(t, 1)
	token, id := p.token(t, "ada", "ci", time.Hour)
	if res := ada.get("/profile/tokens/" + id + "/revoke"); res.status != 200 || !strings.Contains(res.text(), "cannot be undone") {
		t.Errorf("the question: %d %s", res.status, res.text())
	}
	for _, path := range []string{"/profile/tokens/" + id + "/revoke", "/profile/tokens/" + id + "/refresh", "/profile/tokens/none/revoke", "/profile/tokens/none/refresh"} {
		if res := ben.post(path, "overlap", "1h"); res.status != 404 || !strings.Contains(res.text(), "no such thing in your account") { // R6
			t.Errorf("ben, %s: %d %s", path, res.status, res.text())
		}
		if res := ben.get(path); res.status != 404 {
			t.Errorf("ben asks for %s: %d", path, res.status)
		}
	}
	if !p.works(t, token) {
		t.Fatal("ben has ended ada's token")
	}
	for range 2 { // a second click is no error
		res := ada.post("/profile/tokens/" + id + "/revoke")
		if res.status != 303 || !strings.Contains(ada.get(strings.TrimSuffix(res.Get("Location"), "#tokens")).text(), "The token is revoked.") {
			t.Errorf("revoked: %d to %s", res.status, res.Get("Location"))
		}
	}
	if p.works(t, token) {
		t.Error("the token still works")
	}
}
