package cookie_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// storedSite returns a site that keeps sessions in rows.
func storedSite(t *testing.T, rows store.Store) *site {
	t.Helper()
	return newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: rows})
}

// ids returns the IDs of the account's sessions, as List has them.
func ids(t *testing.T, s *site, subject string) []string {
	t.Helper()
	list, err := s.List(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, session := range list {
		all = append(all, session.ID)
	}
	return all
}

// TestList lists sessions that begin, are used, and end.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storedSite(t, store.NewMemory())
		var made []string
		var cookies []*http.Cookie
		for range 4 {
			c, id := s.signIn(t, nil)
			made, cookies = append(made, id.Credential), append(cookies, c)
			time.Sleep(10 * time.Minute)
		}
		s.signInAs(t, "bob", nil)
		if got, want := ids(t, s, "ada"), []string{made[3], made[2], made[1], made[0]}; !slices.Equal(got, want) {
			t.Errorf("%v, want the newest first: %v", got, want)
		}

		// The second one is used, so that it is the first one to go on.
		used := time.Now()
		s.wants(t, http.StatusOK, cookies[1])
		time.Sleep(2 * time.Second) // it is written off the request's path
		list, err := s.List(t.Context(), "ada")
		if err != nil || len(list) != 4 || !list[2].LastUsedAt.Equal(used) || !list[3].LastUsedAt.IsZero() {
			t.Errorf("list %+v, error %v; want the use at %v", list, err, used)
		}
		s.signOut(t, cookies[3])
		if got, want := ids(t, s, "ada"), []string{made[2], made[1], made[0]}; !slices.Equal(got, want) {
			t.Errorf("after signing out: %v, want %v", got, want)
		}

		// A session that may have been idle for too long is shown: its owner
		// must not miss one that is not.
		time.Sleep(2 * time.Hour)
		if got, want := ids(t, s, "ada"), []string{made[2], made[1], made[0]}; !slices.Equal(got, want) {
			t.Errorf("after the idle timeout: %v, want %v", got, want)
		}
		time.Sleep(24 * time.Hour)
		if got := ids(t, s, "ada"); len(got) != 0 {
			t.Errorf("a day later: %v", got)
		}
	})
}

// TestListWithoutIdleTimeout lists sessions up to the end of their lifetime.
func TestListWithoutIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory(), IdleTimeout: -1})
		s.signIn(t, nil)
		time.Sleep(24*time.Hour - micro)
		if got := ids(t, s, "ada"); len(got) != 1 {
			t.Errorf("before the end: %v", got)
		}
		time.Sleep(micro)
		if got := ids(t, s, "ada"); len(got) != 0 {
			t.Errorf("at the end: %v", got)
		}
	})
}

// TestLongList lists more sessions than anybody has: the newest ones.
func TestLongList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory(), Limit: -1, HourlyLimit: -1})
		s.signIn(t, nil)
		var made []string
		for range 1000 {
			time.Sleep(micro)
			_, id := s.signIn(t, nil)
			made = append(made, id.Credential)
		}
		slices.Reverse(made)
		if got := ids(t, s, "ada"); !slices.Equal(got, made) {
			t.Errorf("%d sessions, want the newest %d", len(got), len(made))
		}
	})
}

// TestRevoke ends sessions by their IDs, and nothing else. (R1, R6)
func TestRevoke(t *testing.T) {
	rows := store.NewMemory()
	s := storedSite(t, rows)
	tokens, err := bearer.New(bearer.Config{Store: rows})
	if err != nil {
		t.Fatal(err)
	}
	plain, token, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	c, id := s.signIn(t, nil)
	other, _ := s.signIn(t, nil)
	theirs, their := s.signInAs(t, "bob", nil)

	for name, tt := range map[string]struct{ subject, id string }{
		"another account's": {"ada", their.Credential},
		"a token's":         {"ada", token.ID},
		"unknown":           {"ada", "12345678901234567890"},
		"no ID":             {"ada", ""},
		"no subject":        {"", id.Credential},
	} {
		if err := s.Revoke(t.Context(), tt.subject, tt.id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for _, c := range []*http.Cookie{c, other, theirs} {
		s.wants(t, http.StatusOK, c)
	}
	for range 2 { // again is no error
		if err := s.Revoke(t.Context(), "ada", id.Credential); err != nil {
			t.Error(err)
		}
		s.wants(t, http.StatusUnauthorized, c)
	}
	s.wants(t, http.StatusOK, other)
	s.wants(t, http.StatusOK, theirs)
	if _, err := tokens.Verify(t.Context(), plain.Reveal(), netip.Addr{}); err != nil {
		t.Errorf("the token: %v", err)
	}
}

// TestRevokeAll ends an account's sessions, all of them or all others.
func TestRevokeAll(t *testing.T) {
	rows := store.NewMemory()
	s := storedSite(t, rows)
	tokens, err := bearer.New(bearer.Config{Store: rows})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := s.signIn(t, nil)
	second, _ := s.signIn(t, nil)
	mine, id := s.signIn(t, nil)
	theirs, _ := s.signInAs(t, "bob", nil)
	for _, step := range []struct {
		subject, except string
		want            int
		status          []int // of the three
	}{
		{"nobody", "", 0, []int{200, 200, 200}},
		{"ada", id.Credential, 2, []int{401, 401, 200}},
		{"ada", id.Credential, 0, []int{401, 401, 200}},
		{"ada", "", 1, []int{401, 401, 401}},
		{"ada", "", 0, []int{401, 401, 401}},
	} {
		if n, err := s.RevokeAll(t.Context(), step.subject, step.except); n != step.want || err != nil {
			t.Errorf("%q but %q: %d, want %d; error %v", step.subject, step.except, n, step.want, err)
		}
		for i, c := range []*http.Cookie{first, second, mine} {
			s.wants(t, step.status[i], c)
		}
		s.wants(t, http.StatusOK, theirs)
	}
	// An empty subject must not mean everybody.
	if n, err := s.RevokeAll(t.Context(), "", ""); err == nil || n != 0 {
		t.Errorf("no subject: %d, error %v", n, err)
	}
	if list, err := s.List(t.Context(), ""); err == nil || list != nil {
		t.Errorf("no subject: %v, error %v", list, err)
	}
	s.wants(t, http.StatusOK, theirs)
	if _, err := tokens.Verify(t.Context(), plain.Reveal(), netip.Addr{}); err != nil {
		t.Errorf("the token: %v", err)
	}
}

// TestWithoutStore asks for what needs a store.
func TestWithoutStore(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	c, id := s.signIn(t, nil)
	list, listErr := s.List(t.Context(), "ada")
	n, allErr := s.RevokeAll(t.Context(), "ada", "")
	for verb, err := range map[string]error{"list": listErr, "revoke all": allErr, "revoke": s.Revoke(t.Context(), "ada", id.Credential)} {
		if !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, store.ErrNotFound) || !strings.HasPrefix(err.Error(), "cookie: "+verb+": ") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if list != nil || n != 0 {
		t.Errorf("list %v, %d revoked", list, n)
	}
	s.wants(t, http.StatusOK, c)
}
