package cookie_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestEvents reads what Observe is told of.
func TestEvents(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		var told []auth.Event
		cfg.Observe = func(_ context.Context, ev auth.Event) { told = append(told, ev) }
		s := newSite(t, cfg)
		var values []string // of cookies
		// expect compares the events since the last time with want, which
		// has their types, subjects and IDs.
		expect := func(step string, want ...string) {
			t.Helper()
			var got []string
			for _, ev := range told {
				got = append(got, fmt.Sprintf("%s %s %s", ev.Type, ev.Subject, ev.Credential))
				if ev.Scheme != "Cookie" || ev.Err != nil || ev.Identity != nil {
					t.Errorf("%s: event %+v", step, ev)
				}
				for _, value := range append(values, "ses_") {
					if strings.Contains(fmt.Sprintf("%+v", ev), value) {
						t.Errorf("%s: the event tells a secret: %+v", step, ev)
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: told of %q, want %q", step, got, want)
			}
			told = nil
		}
		c, id := s.signIn(t, nil)
		values = append(values, c.Value)
		expect("sign in", "signed in ada "+id.Credential)
		s.visit(c)
		s.visit(&http.Cookie{Name: c.Name, Value: "junk"})
		expect("visits")

		next, nextID := s.signIn(t, c)
		values = append(values, next.Value)
		expect("sign in again", "signed out ada "+id.Credential, "signed in ada "+nextID.Credential)
		s.signOut(t, next)
		expect("sign out", "signed out ada "+nextID.Credential)
		if cfg.Store != nil { // without one, who signs out with a copy is told of again
			s.signOut(t, next)
			expect("sign out again")
		}
		if err := s.SignOut(httptest.NewRecorder(), request("POST")); err != nil {
			t.Fatal(err)
		}
		expect("sign out without a session")

		if cfg.Store == nil {
			return
		}
		_, one := s.signIn(t, nil)
		s.signIn(t, nil)
		told = nil
		for range 2 {
			if err := s.Revoke(t.Context(), "ada", one.Credential); err != nil {
				t.Fatal(err)
			}
		}
		expect("revoke, and again", "revoked ada "+one.Credential)
		for range 2 {
			if _, err := s.RevokeAll(t.Context(), "ada", ""); err != nil {
				t.Fatal(err)
			}
		}
		expect("revoke all, and again", "revoked ada ")
	})
}

// TestNoEventOnFailure makes a sign-in and a sign-out fail: neither happened.
func TestNoEventOnFailure(t *testing.T) {
	var told []auth.EventType
	rows := &flaky{Store: store.NewMemory()}
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: rows, Observe: collect(&told)})
	c, _ := s.signIn(t, nil)
	told, rows.fail = nil, down
	for _, r := range []*http.Request{request("POST"), request("POST", line(c)), request("POST", "Origin: null")} {
		w := httptest.NewRecorder()
		if _, err := s.SignIn(w, r, cookie.Request{Subject: "ada"}); err == nil {
			t.Error("signed in")
		}
	}
	for _, r := range []*http.Request{request("POST", line(c)), request("POST", line(c), "Origin: null")} {
		if err := s.SignOut(httptest.NewRecorder(), r); err == nil {
			t.Error("signed out")
		}
	}
	if told != nil {
		t.Errorf("told of %v", told)
	}
}

// TestGuardEvents reads what the Guard's Observe is told of a refused cookie:
// whose it was, where that is known. (C4)
func TestGuardEvents(t *testing.T) {
	people := accounts{"ada": {Disabled: true}}
	each(t, func(t *testing.T, cfg cookie.Config) {
		var last auth.Event
		s := newSiteFor(t, cfg, auth.Config{Accounts: people, Observe: func(_ context.Context, ev auth.Event) { last = ev }})
		c, id := s.signIn(t, nil)
		s.wants(t, http.StatusUnauthorized, c)
		if last.Type != auth.Refused || last.Subject != "ada" || last.Credential != id.Credential {
			t.Errorf("disabled: event %+v", last)
		}
		s.wants(t, http.StatusUnauthorized, &http.Cookie{Name: c.Name, Value: c.Value + "A"})
		if last.Type != auth.Refused || last.Subject != "" || last.Err == nil || strings.Contains(last.Err.Error(), c.Value[:12]) {
			t.Errorf("tampered: event %+v", last)
		}
		s.visit(c, "Cookie: "+c.Name+"=junk") // K12
		if last.Type != auth.Refused || last.Err == nil || !strings.Contains(last.Err.Error(), "several") {
			t.Errorf("duplicates: event %+v", last)
		}
	})
}
