package operations_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// at calls f on a machine whose clock is so much ahead of that of the others. The
// clock of each call begins at the same moment.
func at(t *testing.T, ahead time.Duration, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(ahead)
		f(t)
	})
}

// A token ends when the clock of the node that is asked says so: too early by as
// much as it is ahead, and too late by as much as that of the issuer was.
func TestSkewOfTokens(t *testing.T) {
	const lifetime = 30 * 24 * time.Hour // see issue
	for _, tt := range []struct {
		name          string
		issuer, asked time.Duration // how far ahead
		after         time.Duration // when it is asked, by the right clock
		status        int
	}{
		{"in time", 0, 0, lifetime - time.Second, http.StatusOK},
		{"in time, over", 0, 0, lifetime, http.StatusUnauthorized},
		{"asked 5 minutes ahead", 0, 5 * time.Minute, lifetime - 5*time.Minute, http.StatusUnauthorized},
		{"issued 5 minutes ahead", 5 * time.Minute, 0, lifetime + 4*time.Minute, http.StatusOK},
		{"issued 5 minutes ahead, at once", 5 * time.Minute, 0, 0, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := store.NewMemory()
			var token string
			at(t, tt.issuer, func(t *testing.T) { token, _ = newNode(t, config{store: st}).issue(t) })
			at(t, tt.asked+tt.after, func(t *testing.T) {
				wants(t, "asked", tt.status, token, newNode(t, config{store: st}))
			})
		})
	}
}

// A session of a node that is more than a minute ahead is refused by the others.
func TestSkewOfSessions(t *testing.T) {
	for ahead, want := range map[time.Duration]int{time.Minute: http.StatusOK, time.Minute + time.Second: http.StatusUnauthorized} {
		cfg := config{store: store.NewMemory(), keys: []cookie.Key{cookie.NewKey()}}
		var c *http.Cookie
		at(t, ahead, func(t *testing.T) { c, _ = newNode(t, cfg).signIn(t) })
		at(t, 0, func(t *testing.T) {
			if got := newNode(t, cfg).visit(&c); got != want {
				t.Errorf("%v ahead: %d, want %d", ahead, got, want)
			}
		})
	}
}

// NotBefore compares the clock of whoever sets it with that of the issuer: set by
// a clock that is behind, it lets through what was issued just before; by one that
// is ahead, it refuses what is issued just afterwards.
func TestSkewOfNotBefore(t *testing.T) {
	st, ada := store.NewMemory(), new(people)
	cfg := config{store: st, accounts: ada}
	var before, after string
	at(t, 10*time.Second, func(t *testing.T) { before, _ = newNode(t, cfg).issue(t) })
	set := func(ahead time.Duration) {
		at(t, 20*time.Second+ahead, func(t *testing.T) { ada.signOutEverywhere(time.Now()) })
	}
	at(t, 30*time.Second, func(t *testing.T) { after, _ = newNode(t, cfg).issue(t) })
	for _, tt := range []struct {
		ahead         time.Duration
		before, after int
	}{
		{0, http.StatusUnauthorized, http.StatusOK},
		{-15 * time.Second, http.StatusOK, http.StatusOK},
		{15 * time.Second, http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		set(tt.ahead)
		at(t, time.Minute, func(t *testing.T) {
			n := newNode(t, cfg)
			wants(t, "issued before, clock "+tt.ahead.String(), tt.before, before, n)
			wants(t, "issued afterwards, clock "+tt.ahead.String(), tt.after, after, n)
		})
	}
}

// A rotation ends the old token by the clock of the node that is asked: one that is
// behind that of the node which rotated lets it in for as long.
func TestSkewOfRotations(t *testing.T) {
	st := store.NewMemory()
	var old string
	at(t, 10*time.Second, func(t *testing.T) {
		n := newNode(t, config{store: st})
		token, c := n.issue(t)
		if _, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, 0); err != nil {
			t.Fatal(err)
		}
		old = token
		wants(t, "rotated, same clock", http.StatusUnauthorized, old, n)
	})
	for asked, want := range map[time.Duration]int{10*time.Second - time.Microsecond: http.StatusOK, 10 * time.Second: http.StatusUnauthorized} {
		at(t, asked, func(t *testing.T) {
			wants(t, "rotated, asked at "+asked.String(), want, old, newNode(t, config{store: st}))
		})
	}
}

// A revocation asks no clock: it holds on every node at once, whatever theirs say.
func TestSkewOfRevocations(t *testing.T) {
	for _, ahead := range []time.Duration{0, 24 * time.Hour} {
		st := store.NewMemory()
		var token string
		at(t, 0, func(t *testing.T) { token, _ = newNode(t, config{store: st}).issue(t) })
		at(t, ahead, func(t *testing.T) {
			if err := newNode(t, config{store: st}).tokens.RevokeLeaked(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		})
		at(t, time.Hour, func(t *testing.T) {
			wants(t, "revoked "+ahead.String()+" ahead", http.StatusUnauthorized, token, newNode(t, config{store: st}))
		})
	}
}
