// Package attack tests that an account can be taken back: a thief with a stolen
// credential creates as many as it can, the owner revokes everything, and when that
// has returned, nothing that the thief holds is accepted. It works on any store, so
// that the module of each store can run it.
package attack

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

const (
	owner = "owner"

	// patience bounds each call of the owner. It is what stores on a server
	// wait for by default, so that one which needs longer fails.
	patience = 2 * time.Second
)

// Run runs each attack against an empty store that open returns. Each creates n
// credentials before the owner revokes, and goes on meanwhile.
func Run(t *testing.T, open func(*testing.T) store.Store, n int) {
	for name, attack := range map[string]func(*victim, int){
		"exchange": exchange,
		"rotate":   rotate,
		"issue":    issueAndRevoke,
		"sign in":  signIn,
		"limits":   limits,
	} {
		t.Run(name, func(t *testing.T) { attack(newVictim(t, open(t)), n) })
	}
}

// A victim is an account whose credentials are all in one store. No limit holds
// the thief up.
type victim struct {
	*testing.T
	store   store.Store
	secrets *secret.Secrets
	tokens  *bearer.Tokens
}

func newVictim(t *testing.T, st store.Store) *victim {
	v := &victim{T: t, store: st}
	var err error
	v.secrets, err = secret.New(secret.Config{Store: st, Limit: -1, HourlyLimit: -1})
	v.must(err)
	v.tokens, err = bearer.New(bearer.Config{Store: st, Limit: -1, HourlyLimit: -1})
	v.must(err)
	return v
}

func (v *victim) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// revokes runs a call of the owner, which has to succeed within its patience.
func (v *victim) revokes(call func(ctx context.Context) error) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), patience)
	defer cancel()
	if err := call(ctx); err != nil {
		v.Errorf("the owner cannot revoke: %v", err)
	}
}

// revokeAll ends everything of the owner's: first what creates tokens.
func (v *victim) revokeAll() {
	v.Helper()
	v.revokes(func(ctx context.Context) error { _, err := v.secrets.RevokeAll(ctx, owner); return err })
	v.revokes(func(ctx context.Context) error { _, err := v.tokens.RevokeAll(ctx, owner); return err })
}

// refused fails the test if a token is still accepted.
func (v *victim) refused(tokens []string) {
	v.Helper()
	for _, plaintext := range tokens {
		if _, err := v.tokens.Verify(v.Context(), plaintext, netip.Addr{}); err == nil {
			v.Error("the thief's token is still accepted")
			return
		}
	}
}

// A loot is what a thief has got.
type loot struct {
	mu     sync.Mutex
	tokens []string
}

func (l *loot) add(plaintext string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, plaintext)
}

// last returns the newest ones, at most 500.
func (l *loot) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens[max(0, len(l.tokens)-500):]
}

// meanwhile calls step again and again while f runs, until step reports false.
func meanwhile(step func() bool, f func()) {
	stop := make(chan struct{})
	var thief sync.WaitGroup
	thief.Go(func() {
		for step() {
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	f()
	close(stop)
	thief.Wait()
}
