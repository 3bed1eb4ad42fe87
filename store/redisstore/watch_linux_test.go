package redisstore_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// A watching is a Watch under way.
type watching struct {
	alive   chan time.Time
	changed chan store.Digest
	ended   chan error
	stop    context.CancelFunc
}

// watch begins to watch and returns when that has begun.
func watch(t *testing.T, st *redisstore.Store) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	w := &watching{make(chan time.Time, 1000), make(chan store.Digest, 1000), make(chan error, 1), stop}
	go func() {
		w.ended <- st.Watch(ctx, func() { w.alive <- time.Now() }, func(d store.Digest) { w.changed <- d })
	}()
	w.next(t, w.alive)
	return w
}

func (w *watching) next(t *testing.T, alive <-chan time.Time) time.Time {
	t.Helper()
	select {
	case at := <-alive:
		return at
	case err := <-w.ended:
		t.Fatalf("Watch ended: %v", err)
	case <-time.After(5 * time.Second):
		t.Fatal("Watch is not alive")
	}
	panic("unreachable")
}

func (w *watching) want(t *testing.T, by string, d store.Digest) {
	t.Helper()
	select {
	case got := <-w.changed:
		if got != d {
			t.Errorf("%s: another credential was reported", by)
		}
	case err := <-w.ended:
		t.Fatalf("%s: Watch ended: %v", by, err)
	case <-time.After(5 * time.Second):
		t.Fatalf("%s: not reported", by)
	}
}

// R1: what one process changes is reported to another, once for each credential,
// and nothing else is.
func TestWatchReportsChanges(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *services.Redis{
		"single":  func(t *testing.T) *services.Redis { return services.StartRedis(t) },
		"cluster": startCluster,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			one := openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"})
			two := openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"})
			other := openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "other"})
			w := watch(t, two)
			c, next, last := credential("ada"), credential("ada"), credential("ada")
			ctx := t.Context()
			do := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			do(other.Insert(ctx, credential("ada"), 0))
			do(one.Insert(ctx, c, 0))
			w.want(t, "Insert", c.Digest)
			do(one.Touch(ctx, c.ID, c.CreatedAt))
			do(one.Rotate(ctx, c.ID, c.ExpiresAt, next))
			w.want(t, "Rotate, the old one", c.Digest)
			w.want(t, "Rotate, the new one", next.Digest)
			_, err := one.Revoke(ctx, store.Filter{ID: c.ID}, c.CreatedAt)
			do(err)
			w.want(t, "Revoke", c.Digest)
			_, err = one.Revoke(ctx, store.Filter{ID: c.ID}, c.CreatedAt)
			do(err)
			_, err = one.Prune(ctx, c.CreatedAt.Add(time.Second))
			do(err)
			do(two.Insert(ctx, last, 0))
			w.want(t, "Insert by the same process", last.Digest)
			for before := w.next(t, w.alive); ; {
				at := w.next(t, w.alive)
				if gap := at.Sub(before); gap > 500*time.Millisecond {
					t.Errorf("alive after %v, want twice a second", gap)
				}
				if before = at; len(w.alive) == 0 {
					break
				}
			}
		})
	}
}

// Whatever ends the subscription ends Watch, and soon.
func TestWatchNoticesLoss(t *testing.T) {
	for name, lose := range map[string]func(*services.Redis) error{
		"connection killed": func(s *services.Redis) error {
			_, err := s.Do("CLIENT", "KILL", "TYPE", "pubsub")
			return err
		},
		"server killed": func(s *services.Redis) error { s.Kill(); return nil },
		"server paused": func(s *services.Redis) error { s.Pause(); return nil },
		"stray message": func(s *services.Redis) error {
			_, err := s.Do("SPUBLISH", "{test}:changes", "hello")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := services.StartRedis(t)
			w := watch(t, openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"}))
			lost := time.Now()
			if err := lose(server); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-w.ended:
				if err == nil || errors.Is(err, context.Canceled) {
					t.Errorf("Watch: %v, want why it ended", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("Watch goes on")
			}
			for len(w.alive) > 0 {
				if at := <-w.alive; at.Sub(lost) > 500*time.Millisecond {
					t.Errorf("alive %v after the loss", at.Sub(lost))
				}
			}
		})
	}
}

// A slot that leaves the node takes the subscription along.
func TestWatchNoticesMovedSlot(t *testing.T) {
	server := startCluster(t)
	w := watch(t, openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"}))
	slot, err := server.Do("CLUSTER", "KEYSLOT", "{test}:")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Do("CLUSTER", "DELSLOTS", slot); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("Watch goes on")
	}
}

// B6: Watch ends with its context, reports nothing afterwards and leaves no
// goroutine behind.
func TestWatchEndsWithContext(t *testing.T) {
	server := services.StartRedis(t)
	st := openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"})
	watch(t, st).stop() // what the client starts for good has been started
	before := runtime.NumGoroutine()
	for range 5 {
		w := watch(t, st)
		w.stop()
		if err := <-w.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want the context's error", err)
		}
		if err := st.Insert(t.Context(), credential("ada"), 0); err != nil {
			t.Fatal(err)
		}
		if len(w.changed) != 0 {
			t.Error("a change was reported after Watch had returned")
		}
	}
	eventually(t, 5*time.Second, "the goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.Watch(ended, func() { t.Error("alive") }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch with a context that has ended: %v", err)
	}
}

// With RESP2 messages come on another connection than the answers that are to
// show that it is alive.
func TestWatchNeedsRESP3(t *testing.T) {
	server := services.StartRedis(t)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, AlwaysRESP2: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st := open(t, client)
	if err := st.Watch(t.Context(), func() { t.Error("alive") }, nil); err == nil {
		t.Error("Watch: no error")
	}
	c := credential("ada")
	if err := st.Insert(t.Context(), c, 1); err != nil {
		t.Errorf("Insert: %v, want all else to work", err)
	}
	if err := expect(st, c, true, "Insert"); err != nil {
		t.Error(err)
	}
}
