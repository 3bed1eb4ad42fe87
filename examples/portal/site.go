package main

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
)

//go:embed pages
var pageFiles embed.FS

// site adds the pages, and what they consist of, to mux.
func (a *app) site(mux *http.ServeMux) {
	user, admin := a.pages.Require(), a.pages.Require(manageAccounts)
	handle := func(pattern string, who func(http.Handler) http.Handler, page http.HandlerFunc) {
		mux.Handle(pattern, who(page))
	}

	mux.HandleFunc("GET /login", a.loginForm)
	handle("POST /login", a.sessions.Protect, a.login)
	handle("POST /logout", a.sessions.Protect, a.logout)

	handle("GET /profile", user, a.profile)
	handle("POST /profile/tokens", user, a.createToken)
	handle("GET /profile/tokens/{id}/refresh", user, a.askRefreshToken)
	handle("POST /profile/tokens/{id}/refresh", user, a.refreshToken)
	handle("GET /profile/tokens/{id}/revoke", user, a.askRevokeToken)
	handle("POST /profile/tokens/{id}/revoke", user, a.revokeToken)
	handle("POST /profile/secret", user, a.createSecret)
	handle("GET /profile/secret/rotate", user, a.askRotateSecret)
	handle("POST /profile/secret/rotate", user, a.rotateSecret)
	handle("GET /profile/secret/{id}/revoke", user, a.askRevokeSecret)
	handle("POST /profile/secret/{id}/revoke", user, a.revokeSecret)
	handle("POST /profile/sessions/{id}/revoke", user, a.revokeSession)
	handle("POST /profile/sessions/revoke-others", user, a.revokeOtherSessions)
	handle("GET /profile/revoke-everything", user, a.askRevokeEverything)
	handle("POST /profile/revoke-everything", user, a.revokeEverything)

	handle("GET /app", user, a.frontEnd)

	handle("GET /admin", admin, a.admin)
	handle("GET /admin/accounts/{subject}/disable", admin, a.askDisable)
	handle("POST /admin/accounts/{subject}/disable", admin, a.disable)
	handle("POST /admin/accounts/{subject}/enable", admin, a.enable)
	handle("GET /admin/accounts/{subject}/sign-out", admin, a.askSignOutEverywhere)
	handle("POST /admin/accounts/{subject}/sign-out", admin, a.signOutEverywhere)
	handle("POST /admin/revoke-leaked", admin, a.revokeLeaked)

	for _, name := range []string{"style.css", "copy.js", "app.js", "icon.svg"} {
		mux.Handle("GET /"+name, static(name))
	}
	// Where a form was sent to, whoever loads the address again gets the page
	// that the form is on.
	mux.Handle("GET /profile/", http.RedirectHandler("/profile", http.StatusSeeOther))
	mux.Handle("GET /admin/", http.RedirectHandler("/admin", http.StatusSeeOther))
	mux.Handle("GET /{$}", http.RedirectHandler("/profile", http.StatusSeeOther))
	mux.HandleFunc("GET /{unknown}", func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, http.StatusNotFound, "There is no such page.")
	})
}

// hardened sets the headers that tell browsers what not to do. HTTPS, and the
// header that insists on it, are for the proxy in front.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		next.ServeHTTP(w, r)
	})
}

// static serves a file that is the same for everybody.
func static(name string) http.Handler {
	text, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache") // ask whether it is still the same
		w.Header().Set("ETag", tag)
		http.ServeFileFS(w, r, pageFiles, "pages/"+name)
	})
}
