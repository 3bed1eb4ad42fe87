package scs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	old "github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/migrating/internal/walk"
	"github.com/keystile/keystile/examples/migrating/scs"
	"github.com/keystile/keystile/store"
)

const fresh = "__Host-session"

func newCookies(t *testing.T) *cookie.Sessions {
	t.Helper()
	cookies, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	return cookies
}

// flaky is a store that can be made to fail.
type flaky struct {
	old.Store
	down bool
}

var errDown = errors.New("connection refused")

func (f *flaky) Find(token string) ([]byte, bool, error) {
	if f.down {
		return nil, false, errDown
	}
	return f.Store.Find(token)
}

func TestMove(t *testing.T) {
	sm, cookies := old.New(), newCookies(t)
	st := &flaky{Store: sm.Store}
	sm.Store = st
	s := walk.Start(t)
	accept := func() { s.Deploy(scs.During(&scs.Legacy{Manager: sm}, cookies, s.Observe)) }
	move := func() { s.Deploy(scs.During(&scs.Legacy{Manager: sm, Move: cookies}, cookies, s.Observe)) }

	s.Deploy(scs.Before(sm), nil)
	ada, bob, away, visitor := s.Client(), s.Client(), s.Client(), s.Client()
	for _, c := range []*walk.Client{ada, bob, away} {
		c.Want(200, "POST", "/login", "user=ada")
		c.Want(200, "POST", "/cart", "add=tea")
	}
	visitor.Want(200, "POST", "/cart", "add=milk")

	// Machines with the old program may still serve: nothing new is made.
	accept()
	ada.Want(200, "GET", "/me", "")
	s.By("scs")
	visitor.Want(401, "GET", "/me", "")
	cy := s.Client()
	cy.Want(200, "POST", "/login", "user=cy")
	if ada.Has(fresh) || cy.Has(fresh) {
		t.Error("a session that machines with the old program do not know")
	}
	st.down = true
	ada.Want(503, "GET", "/me", "")
	st.down = false

	move()
	for _, origin := range []string{"cross-site", "same-site"} {
		forged := ada.With("Sec-Fetch-Site", origin)
		forged.Want(403, "POST", "/me", "")
		forged.Want(403, "POST", "/login", "user=mallory")
		forged.Want(403, "POST", "/cart", "add=a trap")
		forged.With("Connection", "Upgrade", "Upgrade", "websocket").Want(403, "GET", "/me", "")
	}
	if got := ada.Want(200, "GET", "/me", ""); got != "ada" {
		t.Errorf("signed in as %q", got)
	}
	s.By("scs")
	ada.Want(200, "POST", "/me", "")
	s.By("Cookie")
	if got := ada.Want(200, "GET", "/cart", ""); got != "tea" {
		t.Errorf("the cart holds %q", got)
	}
	bob.Want(200, "GET", "/me", "")
	cy.Want(200, "POST", "/login", "user=eve") // on the same browser
	if n, err := cookies.RevokeAll(t.Context(), "eve", ""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	cy.Want(401, "GET", "/me", "") // and the new cookie goes away
	cy.Want(401, "GET", "/me", "") // but cy does not come back
	cy.Want(200, "POST", "/login", "user=eve")

	accept() // back: who has moved stays signed in
	ada.Want(200, "GET", "/me", "")
	s.By("Cookie")
	move()
	ada.Want(200, "POST", "/logout", "")
	ada.Want(401, "GET", "/me", "")

	s.Deploy(scs.After(sm, cookies, s.Observe))
	bob.Want(200, "GET", "/me", "")
	if got := bob.Want(200, "GET", "/cart", ""); got != "tea" {
		t.Errorf("the cart holds %q", got)
	}
	if got := cy.Want(200, "GET", "/me", ""); got != "eve" {
		t.Errorf("signed in as %q", got)
	}
	away.Want(401, "GET", "/me", "")
}

// A cookie that scs does not know is refused, and goes away.
func TestBadCookie(t *testing.T) {
	sm, cookies := old.New(), newCookies(t)
	s := walk.Start(t)
	s.Deploy(scs.Before(sm), nil)
	c := s.Client()
	c.Want(200, "POST", "/login", "user=ada")
	sm = old.New()
	s.Deploy(scs.During(&scs.Legacy{Manager: sm, Move: cookies}, cookies, s.Observe))
	c.Want(401, "GET", "/me", "")
	if c.Has("session") || c.Has(fresh) {
		t.Error("the bad cookie is still there, or has become a good one")
	}
}

// The old session authenticates for a minute after the new one has begun: what
// is revoked later does not come back by it.
func TestOverlap(t *testing.T) {
	sm := old.New() // outside: its store of its own has a goroutine
	synctest.Test(t, func(t *testing.T) {
		cookies := newCookies(t)
		sm.Store = memstore.NewWithCleanupInterval(0)
		serve := func(h http.Handler, method, path, form string, cookie *http.Cookie) (status int, set map[string]*http.Cookie) {
			r := httptest.NewRequest(method, "https://localhost"+path, strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if cookie != nil {
				r.AddCookie(cookie)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			set = make(map[string]*http.Cookie)
			for _, c := range w.Result().Cookies() {
				set[c.Name] = c
			}
			return w.Code, set
		}
		_, set := serve(scs.Before(sm), "POST", "/login", "user=ada", nil)
		session := set["session"]
		during, err := scs.During(&scs.Legacy{Manager: sm, Move: cookies}, cookies, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, set := serve(during, "GET", "/me", "", session); status != 200 || set[fresh] == nil {
			t.Fatalf("%d, %v, want a new session", status, set)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if status, set := serve(during, "GET", "/me", "", session); status != 200 || set[fresh] != nil {
			t.Errorf("within the overlap: %d, %v, want no further session", status, set)
		}
		time.Sleep(time.Nanosecond)
		if status, _ := serve(during, "GET", "/me", "", session); status != 401 {
			t.Errorf("after the overlap: %d, want 401", status)
		}
		// Whoever signs in keeps the cart, but under a name that nobody has planted.
		if _, set := serve(during, "POST", "/login", "user=eve", session); set["session"] == nil || set["session"].Value == session.Value {
			t.Errorf("signing in goes on with session %v", set["session"])
		}
	})
}
