package gorilla_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/migrating/gorilla"
	"github.com/keystile/keystile/examples/migrating/internal/walk"
	"github.com/keystile/keystile/store"
)

func newCookies(t *testing.T) *cookie.Sessions {
	t.Helper()
	cookies, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	return cookies
}

const fresh = "__Host-session"

func TestMove(t *testing.T) {
	old, cookies := sessions.NewCookieStore(securecookie.GenerateRandomKey(32)), newCookies(t)
	s := walk.Start(t)
	accept := func() { s.Deploy(gorilla.During(&gorilla.Legacy{Store: old}, cookies, s.Observe)) }
	move := func() {
		s.Deploy(gorilla.During(&gorilla.Legacy{Store: old, Move: cookies}, cookies, s.Observe))
	}

	s.Deploy(gorilla.Before(old), nil)
	ada, bob, away := s.Client(), s.Client(), s.Client()
	for _, c := range []*walk.Client{ada, bob, away} {
		c.Want(200, "POST", "/login", "user=ada")
		c.Want(200, "GET", "/me", "")
	}

	// Machines with the old program may still serve: nothing new is made.
	accept()
	ada.Want(200, "GET", "/me", "")
	s.By("gorilla")
	s.Client().Want(401, "GET", "/me", "")
	cy := s.Client()
	cy.Want(200, "POST", "/login", "user=cy")
	if ada.Has(fresh) || cy.Has(fresh) {
		t.Error("a session that machines with the old program do not know")
	}

	move()
	for _, origin := range []string{"cross-site", "same-site"} {
		forged := ada.With("Sec-Fetch-Site", origin)
		forged.Want(403, "POST", "/me", "")
		forged.Want(403, "POST", "/login", "user=mallory")
		forged.With("Connection", "Upgrade", "Upgrade", "websocket").Want(403, "GET", "/me", "")
	}
	if got := ada.Want(200, "GET", "/me", ""); got != "ada" {
		t.Errorf("signed in as %q", got)
	}
	s.By("gorilla")
	if !ada.Has(fresh) || ada.Has("app") {
		t.Error("the browser does not have the new cookie in place of the old one")
	}
	ada.Want(200, "POST", "/me", "")
	s.By("Cookie")
	cy.Want(200, "POST", "/login", "user=eve") // on the same browser
	if cy.Has("app") {
		t.Error("cy's session is still there, for when eve's has ended")
	}
	eve := s.Client()
	eve.Want(200, "POST", "/login", "user=eve")

	accept() // back: who has moved stays signed in
	ada.Want(200, "GET", "/me", "")
	eve.Want(200, "GET", "/me", "")
	move()

	bob.Want(200, "GET", "/me", "")
	ada.Want(200, "POST", "/logout", "")
	ada.Want(401, "GET", "/me", "")

	s.Deploy(gorilla.After(cookies, s.Observe))
	bob.Want(200, "GET", "/me", "")
	eve.Want(200, "GET", "/me", "")
	away.Want(401, "GET", "/me", "")
	away.Want(200, "POST", "/login", "user=ada")
	away.Want(200, "GET", "/me", "")
}

// A cookie that was not made by the service is refused, and goes away.
func TestBadCookie(t *testing.T) {
	cookies := newCookies(t)
	foreign := sessions.NewCookieStore(securecookie.GenerateRandomKey(32))
	s := walk.Start(t)
	s.Deploy(gorilla.Before(foreign), nil)
	c := s.Client()
	c.Want(200, "POST", "/login", "user=ada")
	old := sessions.NewCookieStore(securecookie.GenerateRandomKey(32))
	s.Deploy(gorilla.During(&gorilla.Legacy{Store: old, Move: cookies}, cookies, s.Observe))
	c.Want(401, "GET", "/me", "")
	if c.Has("app") || c.Has(fresh) {
		t.Error("the bad cookie is still there, or has become a good one")
	}
}

// A store that keeps sessions has one more answer: that it cannot tell.
func TestOutage(t *testing.T) {
	dir := t.TempDir()
	old, cookies := sessions.NewFilesystemStore(dir, securecookie.GenerateRandomKey(32)), newCookies(t)
	s := walk.Start(t)
	s.Deploy(gorilla.Before(old), nil)
	c := s.Client()
	c.Want(200, "POST", "/login", "user=ada")
	s.Deploy(gorilla.During(&gorilla.Legacy{Store: old}, cookies, s.Observe))
	c.Want(200, "GET", "/me", "")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Rename(files[0], files[0]+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(files[0], 0o700); err != nil { // cannot be read
		t.Fatal(err)
	}
	c.Want(503, "GET", "/me", "")
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(files[0]+".away", files[0]); err != nil {
		t.Fatal(err)
	}
	c.Want(200, "GET", "/me", "")
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	c.Want(401, "GET", "/me", "")
}
