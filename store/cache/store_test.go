package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/storetest"
)

// The cache keeps the contract of a store. R3 R4 R6 R8 R10
func TestStore(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			return newCache(t, cache.Config{Store: store.NewMemory()})
		})
	})
	t.Run("watched", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			l := newLine()
			return newCache(t, cache.Config{Store: watched{&machine{Memory: store.NewMemory(), others: []*line{l}}, l}})
		})
	})
}

// Every way to end a credential takes effect at once on this machine, and drops no
// other answer. R1 R5
func TestWritesForget(t *testing.T) {
	ctx := context.Background()
	revoke := func(f store.Filter) func(*cache.Cache) error {
		return func(c *cache.Cache) error {
			_, err := c.Revoke(ctx, f, time.Now())
			return err
		}
	}
	a := token("a")
	tests := []struct {
		name  string
		write func(*cache.Cache) error
		want  string
	}{
		{"by ID", revoke(store.Filter{ID: a.ID}), "revoked"},
		{"by subject", revoke(store.Filter{Subject: a.Subject}), "revoked"},
		{"by ID of a subject", revoke(store.Filter{ID: a.ID, Subject: a.Subject}), "revoked"},
		{"by family of a subject", revoke(store.Filter{Family: a.Family, Subject: a.Subject}), "revoked"},
		{"by client of a subject", revoke(store.Filter{ClientID: a.ClientID, Subject: a.Subject}), "revoked"},
		{"all but one", revoke(store.Filter{Subject: a.Subject, Except: []string{"b"}}), "revoked"},
		{"rotate", func(c *cache.Cache) error { return c.Rotate(ctx, a.ID, time.Now(), after(a, "n"), store.Limits{}) }, "rotated"},
		{"by its ID as a family", revoke(store.Filter{Family: a.ID, Subject: a.Subject}), "revoked"},
		{"insert that ends the oldest", func(c *cache.Cache) error {
			next := token("n")
			next.Subject, next.ClientID = a.Subject, a.ClientID
			_, err := c.Insert(ctx, next, store.Limits{Active: 1, EndOldest: true})
			return err
		}, "revoked"},
		{"update", func(c *cache.Cache) error {
			_, err := c.Update(ctx, a.ID, rename("x"))
			return err
		}, "renamed"},
		{"erase", func(c *cache.Cache) error {
			_, err := c.Erase(ctx, a.Subject)
			return err
		}, "unknown"},
	}
	failures := []struct {
		name    string
		written func() error
	}{
		{"", nil},
		{"/that fails once it is done", func() error { return errors.New("the answer was lost") }},
		{"/that panics once it is done", func() error { panic("the answer was lost") }},
	}
	for _, tt := range tests {
		for _, failure := range failures {
			t.Run(tt.name+failure.name, func(t *testing.T) {
				bubble(t, func(t *testing.T, isWatched bool) {
					p := newPair(t, isWatched, cache.Config{})
					p.insert("a", "b")
					p.line.mute(true)
					p.is("a", "good")
					p.is("b", "good")
					p.here.written = failure.written
					func() {
						defer func() { recover() }()
						if err := tt.write(p.Cache); (err != nil) != (failure.written != nil) {
							t.Error(err)
						}
					}()
					p.asked(1, func() { p.is("a", tt.want) })
					p.asked(0, func() { p.is("b", "good") })
				})
			})
		}
	}
}

// Another process has revoked the credential a moment ago, so Revoke reports no
// change. Find must show the revocation all the same. R1
func TestRevokeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		p.line.mute(true)
		p.revoke(p.there, "a")
		p.is("a", "good") // no notification came
		p.revoke(p, "a")
		p.is("a", "revoked")
	})
}

// The same for a lookup that began before Revoke and is answered after it, so that no
// row is kept yet. R1 R2
func TestRevokeAgainWhileAsking(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		p.line.mute(true)
		answer := p.hold()
		first := p.async("a")
		p.revoke(p.there, "a")
		_, err := p.Revoke(t.Context(), store.Filter{Subject: token("a").Subject}, time.Now())
		p.must(err)
		second := p.async("a") // its subject is not known yet
		close(answer)
		if got := <-first; got != "good" {
			t.Errorf("lookup before the revocation: %s, want good", got)
		}
		if got := <-second; got != "revoked" {
			t.Errorf("lookup after the revocation: %s, want revoked", got)
		}
		p.is("a", "revoked")
	})
}

// The application may have edited rows. Answers for the digests that Revoke returned
// are dropped even if the kept row does not match the filter.
func TestRevokeForgetsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.insert("a")
		p.here.find = func(_ context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) {
			c, err := ask()
			if c.RevokedAt.IsZero() {
				c = c.Clone()
				c.Subject = "before the account was renamed"
			}
			return c, err
		}
		p.is("a", "good")
		_, err := p.Revoke(t.Context(), store.Filter{Subject: token("a").Subject}, time.Now())
		p.must(err)
		p.is("a", "revoked")
	})
}

// hold makes every query read the store and then wait until the returned channel is
// closed.
func (p *pair) hold() chan struct{} {
	answer := make(chan struct{})
	p.here.find = func(ctx context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) {
		c, err := ask()
		select {
		case <-answer:
			return c, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return answer
}

// async starts a Find and returns a channel for its outcome.
func (p *pair) async(id string) <-chan string {
	out := make(chan string, 1)
	go func() { out <- p.state(id) }()
	synctest.Wait()
	return out
}

// A lookup that was in progress when a credential changed neither restores the old
// row nor answers later lookups. R2
func TestLookupInFlight(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name  string
		write func(*pair) error
		want  string
	}{
		{"revoked here", func(p *pair) error {
			_, err := p.Revoke(ctx, store.Filter{ID: "a"}, time.Now())
			return err
		}, "revoked"},
		{"revoked there", func(p *pair) error {
			_, err := p.there.Revoke(ctx, store.Filter{ID: "a"}, time.Now())
			time.Sleep(20 * time.Millisecond) // for the notification
			return err
		}, "revoked"},
		{"rotated here", func(p *pair) error { return p.Rotate(ctx, "a", time.Now(), after(token("a"), "n"), store.Limits{}) }, "rotated"},
		{"rotated there", func(p *pair) error {
			err := p.there.Rotate(ctx, "a", time.Now(), after(token("a"), "n"), store.Limits{})
			time.Sleep(20 * time.Millisecond)
			return err
		}, "rotated"},
		{"updated here", func(p *pair) error {
			_, err := p.Update(ctx, "a", rename("x"))
			return err
		}, "renamed"},
		{"updated there", func(p *pair) error {
			_, err := p.there.Update(ctx, "a", rename("x"))
			time.Sleep(20 * time.Millisecond)
			return err
		}, "renamed"},
		{"ended by an insert here", func(p *pair) error {
			next := token("n")
			next.Subject, next.ClientID = token("a").Subject, token("a").ClientID
			_, err := p.Insert(ctx, next, store.Limits{Active: 1, EndOldest: true})
			return err
		}, "revoked"},
		{"ended by an insert there", func(p *pair) error {
			next := token("n")
			next.Subject, next.ClientID = token("a").Subject, token("a").ClientID
			_, err := p.there.Insert(ctx, next, store.Limits{Active: 1, EndOldest: true})
			time.Sleep(20 * time.Millisecond)
			return err
		}, "revoked"},
		{"erased here", func(p *pair) error {
			_, err := p.Erase(ctx, token("a").Subject)
			return err
		}, "unknown"},
		{"erased there", func(p *pair) error {
			_, err := p.there.Erase(ctx, token("a").Subject)
			time.Sleep(20 * time.Millisecond)
			return err
		}, "unknown"},
		{"pruned here", func(p *pair) error {
			_, err := p.Prune(ctx, prunable())
			return err
		}, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, true, cache.Config{})
				p.insert("a")
				answer := p.hold()
				before := p.async("a")
				p.must(tt.write(p))
				after := p.async("a")
				p.asked(0, func() { close(answer) })
				if got := <-before; got != "good" {
					t.Errorf("lookup before: %s, want good", got)
				}
				if got := <-after; got != tt.want {
					t.Errorf("lookup after: %s, want %s", got, tt.want)
				}
				p.is("a", tt.want)
			})
		})
	}
}

// Answers to lookups during a write are dropped when the write returns. R1 R2 B5
func TestLookupDuringWrite(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name         string
		write        func(*cache.Cache) error
		id           string
		before, want string
	}{
		{"insert", func(c *cache.Cache) error {
			_, err := c.Insert(ctx, token("n"), store.Limits{})
			return err
		}, "n", "unknown", "good"},
		{"revoke", func(c *cache.Cache) error {
			_, err := c.Revoke(ctx, store.Filter{ID: "a"}, time.Now())
			return err
		}, "a", "good", "revoked"},
		{"rotate, the old one", func(c *cache.Cache) error {
			return c.Rotate(ctx, "a", time.Now(), after(token("a"), "n"), store.Limits{})
		}, "a", "good", "rotated"},
		{"rotate, the new one", func(c *cache.Cache) error {
			return c.Rotate(ctx, "a", time.Now(), after(token("a"), "n"), store.Limits{})
		}, "n", "unknown", "good"},
		{"touch", func(c *cache.Cache) error { return c.Touch(ctx, use("a", time.Now())) }, "a", "good", "used"},
		{"prune", func(c *cache.Cache) error {
			_, err := c.Prune(ctx, prunable())
			return err
		}, "a", "good", "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, isWatched bool) {
				p := newPair(t, isWatched, cache.Config{})
				p.insert("a")
				p.line.mute(true)
				p.here.writing = func() { p.is(tt.id, tt.before) }
				p.must(tt.write(p.Cache))
				p.is(tt.id, tt.want)
			})
		})
	}
}

// The slower of two lookups does not restore an old row after the faster one returned
// the revoked row. R2
func TestSlowLookupLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("a")
		answer := p.hold()
		slow := p.async("a")
		p.revoke(p, "a")
		p.here.find = nil
		p.is("a", "revoked")
		close(answer)
		<-slow
		p.is("a", "revoked")
	})
}

// After a Touch, Find shows the use, at the cost of one query. R8
func TestTouch(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a", "b")
		p.is("a", "good")
		p.is("b", "good")
		at := time.Now().Truncate(time.Microsecond)
		p.must(p.Touch(t.Context(), use("a", at)))
		p.asked(1, func() {
			for range 3 {
				c, err := p.Find(t.Context(), store.KindToken, token("a").Digest)
				p.must(err)
				if !c.LastUsedAt.Equal(at) {
					t.Errorf("LastUsedAt = %v, want %v", c.LastUsedAt, at)
				}
			}
		})
		p.asked(0, func() { p.is("b", "good") })
		p.here.written = func() error { return errors.New("read-only") }
		if p.Touch(t.Context(), use("a", at)) == nil {
			t.Error("Touch: no error")
		}
		p.asked(0, func() { p.is("a", "used") })
	})
}

func TestPrune(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		n, err := p.Prune(t.Context(), store.PruneBefore{Ended: time.Now(), Rotated: time.Now()})
		if n != 0 || err != nil {
			t.Errorf("Prune: %d, %v", n, err)
		}
		p.asked(0, func() { p.is("a", "good") })
		n, err = p.Prune(t.Context(), prunable())
		if n != 1 || err != nil {
			t.Errorf("Prune: %d, %v", n, err)
		}
		p.is("a", "unknown")
	})
}

// Get and List always ask the store.
func TestGetAndList(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		p.line.mute(true)
		p.revoke(p.there, "a")
		p.is("a", "good")
		if got := state(p.Get(t.Context(), "a")); got != "revoked" {
			t.Errorf("Get: %s, want revoked", got)
		}
		a := token("a")
		found, _, err := p.List(t.Context(), store.Query{Kind: a.Kind, Subject: a.Subject, ClientID: a.ClientID})
		p.must(err)
		if got := state(found[0], nil); got != "revoked" {
			t.Errorf("List: %s, want revoked", got)
		}
	})
}

// A kept credential is found only with its own kind.
func TestKinds(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		for range 2 {
			p.is("a", "good")
			for _, k := range []store.Kind{store.KindSecret, store.KindSession, ""} {
				if got := state(p.Find(t.Context(), k, token("a").Digest)); got != "unknown" {
					t.Errorf("kind %q: %s, want unknown", k, got)
				}
			}
		}
	})
}

// A wrong answer of the store is neither kept nor returned.
func TestStoreReturnsAnother(t *testing.T) {
	tests := map[string]*store.Credential{
		"nothing":        nil,
		"another kind":   {ID: "a", Kind: store.KindSecret, Digest: token("a").Digest},
		"another digest": {ID: "a", Kind: store.KindToken, Digest: token("b").Digest},
	}
	for name, wrong := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, true, cache.Config{})
				p.insert("a", "b")
				p.here.find = func(context.Context, func() (*store.Credential, error)) (*store.Credential, error) { return wrong, nil }
				want := "cache: the store returned something else than the credential it was asked for"
				p.is("a", want)
				p.here.find = nil
				p.is("a", "good")
				p.is("b", "good")
			})
		})
	}
}

// A service that only verifies credentials can use a Cache on a FindOnly store.
func TestFindOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.insert("a")
		c := newCache(t, cache.Config{Store: store.FindOnly(p.here)})
		for range 2 {
			if got := state(c.Find(t.Context(), store.KindToken, token("a").Digest)); got != "good" {
				t.Error(got)
			}
		}
		if _, err := c.Revoke(t.Context(), store.Filter{ID: "a"}, time.Now()); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(fmt.Errorf("Revoke: %w", err))
		}
	})
}
