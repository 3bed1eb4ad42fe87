package operations_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// The key of the cookies is changed on three nodes, and nobody is signed out: the
// new one second everywhere, then first, then alone. K10
func TestRotateCookieKey(t *testing.T) {
	for name, sealed := range map[string]bool{"with a store": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				older, newer, st := cookie.NewKey(), cookie.NewKey(), store.NewMemory()
				with := func(keys ...cookie.Key) config { return config{store: st, sealed: sealed, keys: keys} }
				nodes := []*node{nil, nil, nil}
				for i := range nodes {
					nodes[i] = newNode(t, with(older))
				}

				// Browsers sign in at every node and visit every other.
				var browsers []*http.Cookie
				everybody := func() {
					t.Helper()
					for _, n := range nodes {
						c, _ := n.signIn(t)
						browsers = append(browsers, c)
					}
					for i := range browsers {
						for j, n := range nodes {
							if got := n.visit(&browsers[i]); got != http.StatusOK {
								t.Fatalf("browser %d at node %d: %d, want 200", i, j, got)
							}
						}
					}
				}
				roll(t, nodes, with(older, newer), everybody)
				absent, _ := nodes[2].signIn(t) // under the old key, and away for a while
				roll(t, nodes, with(newer, older), everybody)

				// Sessions that nobody has used since end by IdleTimeout, which
				// is an hour here; whoever comes back before has a new seal.
				if early := absent; newNode(t, with(newer)).visit(&early) != http.StatusUnauthorized {
					t.Error("it makes no difference whether one waits")
				}
				time.Sleep(time.Hour - time.Second)
				browsers = append(browsers, absent)
				everybody()
				time.Sleep(time.Second)
				roll(t, nodes, with(newer), everybody)
			})
		})
	}
}

// Why the new key is second first: a node that does not have it yet signs out
// whoever comes from one that seals with it.
func TestRotateCookieKeyTooEarly(t *testing.T) {
	older, newer := cookie.NewKey(), cookie.NewKey()
	st := store.NewMemory()
	before, already := newNode(t, config{store: st, keys: []cookie.Key{older}}), newNode(t, config{store: st, keys: []cookie.Key{newer, older}})
	c, _ := already.signIn(t)
	if got := before.visit(&c); got != http.StatusUnauthorized {
		t.Errorf("a cookie under a key that is not known yet: %d, want 401", got)
	}
}

// A key that was stolen is replaced everywhere at once: what was sealed with it
// is good for nothing.
func TestReplaceStolenCookieKey(t *testing.T) {
	stolen, newer := cookie.NewKey(), cookie.NewKey()
	st := store.NewMemory()
	c, _ := newNode(t, config{store: st, keys: []cookie.Key{stolen}}).signIn(t)
	n := newNode(t, config{store: st, keys: []cookie.Key{newer}})
	if got := n.visit(&c); got != http.StatusUnauthorized {
		t.Errorf("a cookie under the stolen key: %d, want 401", got)
	}
	again, _ := n.signIn(t)
	if got := n.visit(&again); got != http.StatusOK {
		t.Errorf("signed in again: %d, want 200", got)
	}
}
