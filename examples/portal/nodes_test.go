package main

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Two portals on one store, behind a proxy that asks them in turn, are one to
// those who use them. What the README calls per node is.
func TestTwoNodes(t *testing.T) {
	name := "sqlite:" + filepath.Join(t.TempDir(), "portal.db")
	a, b := newPortalOn(t, name, nil), newPortalOn(t, name, nil)
	var n atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		node, _ := url.Parse([]*testPortal{a, b}[n.Add(1)%2].url)
		r.SetURL(node)
		r.Out.Host = r.In.Host // as the browser sees it
		r.SetXForwarded()
	}})
	t.Cleanup(proxy.Close)
	a.url = strings.Replace(proxy.URL, "127.0.0.1", "localhost", 1)

	ada, other := a.signedIn(t, 0), a.signedIn(t, 0)
	token, id := a.token(t, "ada", "ci", time.Hour)
	for range 4 {
		if ada.get("/profile").status != 200 || !a.works(t, token) {
			t.Fatal("a session and a token of one node must work on both")
		}
	}
	ada.post("/profile/tokens/" + id + "/revoke")
	ada.post("/profile/sessions/revoke-others")
	for range 4 {
		if other.get("/profile").status != 303 || a.works(t, token) {
			t.Error("what one node has revoked must be refused by both")
		}
	}
	secret := ada.post("/profile/secret").plaintext(t)
	for range 2 {
		if !a.exchanges(t, secret) {
			t.Error("a secret of one node must work on both")
		}
	}

	b.accounts.setDisabled("ben", true)
	if now, err := a.accounts.Account(t.Context(), "ben"); err != nil || now.Disabled {
		t.Error("the README says that a disabled account is of one node")
	}
}
