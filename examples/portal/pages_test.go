package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPageHeaders(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	for _, path := range []string{"/login", "/profile", "/app", "/admin", "/profile/tokens/none/revoke", "/nowhere", "/style.css", "/api/whoami", "/healthz"} {
		h := ada.get(path).Header
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy: %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control: %q", path, h.Get("Cache-Control"))
		}
	}
}

func TestMethods(t *testing.T) {
	p := newMemoryPortal(t)
	ada, nobody := p.signedIn(t, 0), p.visit(t)
	for _, tt := range []struct {
		who          *visitor
		method, path string
		status       int
		allow        string
	}{
		{nobody, "HEAD", "/login", 200, ""},
		{nobody, "HEAD", "/style.css", 200, ""},
		{nobody, "HEAD", "/profile", 303, ""},
		{ada, "HEAD", "/profile", 200, ""},
		{ada, "HEAD", "/admin", 200, ""},
		{ada, "PUT", "/login", 405, "GET, HEAD, POST"},
		{ada, "DELETE", "/profile", 405, "GET, HEAD"},
		{ada, "POST", "/app", 405, "GET, HEAD"},
		{ada, "POST", "/style.css", 405, "GET, HEAD"},
		{ada, "GET", "/profile/tokens", 303, ""}, // the address of a form that was refused, loaded again
		{ada, "GET", "/admin/revoke-leaked", 303, ""},
		{ada, "GET", "/nowhere", 404, ""},
		{ada, "GET", "/profile/tokens/%00%ff/revoke", 404, ""},
		{ada, "GET", "/profile?after=%00%ff", 303, ""},
	} {
		res := tt.who.send(tt.method, tt.path, nil)
		if res.status != tt.status || res.Get("Allow") != tt.allow || tt.method == "HEAD" && res.body != "" {
			t.Errorf("%s %s: %d, Allow %q, body %q; want %d, Allow %q", tt.method, tt.path, res.status, res.Get("Allow"), res.body, tt.status, tt.allow)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	p := newMemoryPortal(t)
	for name, contentType := range map[string]string{"style.css": "text/css", "app.js": "text/javascript", "copy.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		res := p.visit(t).get("/" + name)
		if res.status != 200 || !strings.HasPrefix(res.Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %s", name, res.status, res.Get("Content-Type"))
		}
		r, _ := http.NewRequest("GET", p.url+"/"+name, nil)
		r.Header.Set("If-None-Match", res.Get("ETag"))
		again, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s, want 304", name, again.Status)
		}
	}
}

// Nothing in a page is from elsewhere, or code or style within it.
func TestNothingInline(t *testing.T) {
	p := newMemoryPortal(t)
	ada := p.signedIn(t, 0)
	for _, path := range []string{"/login", "/profile", "/app", "/admin"} {
		body := ada.get(path).body
		for _, never := range []string{"<style", "style=", "onclick", "onload", "javascript:", `src="http`, `href="http`, "<script>"} {
			if strings.Contains(body, never) {
				t.Errorf("%s has %s", path, never)
			}
		}
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"/app": "/app", "/profile?show=all": "/profile?show=all", "/profile#tokens": "/profile",
		"": "/x", "app": "/x", "//evil.example": "/x", "///evil.example": "/x", `/\evil.example`: "/x", `\\evil.example`: "/x",
		"https://evil.example/": "/x", "javascript:alert(1)": "/x", "/%2f/evil.example": "/x", "/\tevil": "/x", "http:/profile": "/x",
	} {
		if got := local(next, "/x"); got != want {
			t.Errorf("local(%q): %q, want %q", next, got, want)
		}
	}
}

func TestNextAfterSignIn(t *testing.T) {
	p := newMemoryPortal(t)
	v := p.visit(t)
	res := v.get("/app")
	if want := "/login?next=%2Fapp"; res.status != 303 || res.Get("Location") != want {
		t.Fatalf("/app: %d, Location %q, want %q", res.status, res.Get("Location"), want)
	}
	form := v.get(res.Get("Location"))
	res = v.post("/login", append(form.hidden(), "email", "ada@example.com", "password", p.passwords[0])...)
	if res.status != 303 || res.Get("Location") != "/app" {
		t.Errorf("signed in: %d, Location %q", res.status, res.Get("Location"))
	}
	res = v.post("/login", "next", "//evil.example/", "email", "ada@example.com", "password", p.passwords[0])
	if res.Get("Location") != "/profile" {
		t.Errorf("to another site: Location %q", res.Get("Location"))
	}
	if body := v.get("/login?" + url.Values{"next": {"https://evil.example"}}.Encode()).body; strings.Contains(body, "evil") {
		t.Errorf("the sign-in page keeps another site:\n%s", body)
	}
}

func TestFromNow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "just now", -3*time.Minute - time.Second: "3 minutes ago", -26 * time.Hour: "26 hours ago", -70 * time.Second: "1 minute ago",
		time.Hour: "in 1 hour", 24 * time.Hour: "in 24 hours", 23 * time.Hour: "in 23 hours", 10 * 24 * time.Hour: "in 10 days", 90 * 24 * time.Hour: "in 3 months", 365 * 24 * time.Hour: "in 12 months", 800 * 24 * time.Hour: "in 2 years",
	} {
		if got := fromNow(time.Now().Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestClient(t *testing.T) {
	for agent, want := range map[string]string{
		"": "Unknown client", "curl/8.5.0": "curl", "my-program/1": "my-program/1",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36":           "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0":          "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                    "Firefox on Android",
	} {
		if got := client(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
