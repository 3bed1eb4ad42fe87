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

// R12: Watch returns when it may miss changes. It does not call alive later than half
// a second after it may have begun to miss them.
func TestWatchNoticesLoss(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*services.Redis) error{
		"connection killed": func(s *services.Redis) error {
			_, err := s.Do("CLIENT", "KILL", "TYPE", "pubsub")
			return err
		},
		"server killed":  func(s *services.Redis) error { s.Kill(); return nil },
		"server paused":  func(s *services.Redis) error { s.Pause(); return nil },
		"server demoted": func(s *services.Redis) error { s.ReplicaOf("127.0.0.1:1"); return nil },
		"replica lost": func(s *services.Redis) error {
			_, err := s.Do("CONFIG", "SET", "min-replicas-to-write", "1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := services.StartRedis(t)
			w := watch(t, openURL(t, "redis://"+server.Addr(), redisstore.Config{}))
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

// Watch ignores messages from other programs, and Check reports them.
func TestWatchIgnoresOtherMessages(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{})
	w := watch(t, st)
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	channels, err := server.DoAll("PUBSUB", "SHARDCHANNELS")
	if err != nil || len(channels) != 256 {
		t.Fatalf("%d channels, %v, want one for each partition", len(channels), err)
	}
	for _, channel := range channels {
		if _, err := server.Do("SPUBLISH", channel, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	for len(w.changed) > 0 {
		<-w.changed // the notification of Check
	}
	d := credential("ada").Digest
	if err := st.Notify(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	w.want(t, "Notify", d)
	if err := st.Check(t.Context()); err == nil {
		t.Error("Check does not report the messages")
	}
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("Check reports the messages again: %v", err)
	}
}

// R1: a Notify in one process reaches another, in every partition and also on a
// cluster. It does not reach a store with another prefix.
func TestNotify(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *services.Redis{
		"single":  func(t *testing.T) *services.Redis { return services.StartRedis(t) },
		"cluster": func(t *testing.T) *services.Redis { return startClusterOf(t, 3)[1] },
	} {
		t.Run(name, func(t *testing.T) {
			url := "redis://" + start(t).Addr()
			one, two := openURL(t, url, redisstore.Config{}), openURL(t, url, redisstore.Config{})
			other := openURL(t, url, redisstore.Config{Prefix: "other"})
			w := watch(t, two)
			for i := range 256 {
				c := credential("ada")
				c.Digest[0] = byte(i)
				if err := errors.Join(other.Notify(t.Context(), credential("ada").Digest), one.Notify(t.Context(), c.Digest)); err != nil {
					t.Fatal(err)
				}
				w.want(t, "Notify", c.Digest)
			}
		})
	}
}

// R12: Notify returns an error on a replica, which would not pass the message on.
func TestNotifyOnReplica(t *testing.T) {
	server := services.StartRedis(t)
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{})
	server.ReplicaOf("127.0.0.1:1")
	outage(t, "Notify", st.Notify(t.Context(), credential("ada").Digest))
}

// When a slot moves to another server, the subscription ends.
func TestWatchNoticesMovedSlot(t *testing.T) {
	servers := startClusterOf(t, 2)
	w := watch(t, openURL(t, "redis://"+servers[0].Addr(), redisstore.Config{}))
	channels, err := servers[1].DoAll("PUBSUB", "SHARDCHANNELS")
	if err != nil || len(channels) == 0 {
		t.Fatal(channels, err)
	}
	slot, err := servers[1].Do("CLUSTER", "KEYSLOT", channels[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := servers[1].Do("CLUSTER", "DELSLOTS", slot); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("Watch goes on")
	}
}

// B6: Watch ends with its context, reports nothing afterwards, and leaves no
// goroutine behind.
func TestWatchEndsWithContext(t *testing.T) {
	server := services.StartRedis(t)
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{})
	watch(t, st).stop() // starts the goroutines that the client keeps
	before := runtime.NumGoroutine()
	for range 5 {
		w := watch(t, st)
		w.stop()
		if err := <-w.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want the context's error", err)
		}
		stored(t, st)
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

// With RESP2, messages arrive on another connection than the answers of heartbeats,
// so the answers would prove nothing.
func TestWatchNeedsRESP3(t *testing.T) {
	server := services.StartRedis(t)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, AlwaysRESP2: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st := open(t, client)
	if err := st.Watch(t.Context(), func() { t.Error("alive") }, func(store.Digest) {}); err == nil {
		t.Error("Watch: no error")
	}
	if err := lookup(t.Context(), st, stored(t, st)); err != nil {
		t.Errorf("Find: %v, want everything else to work", err)
	}
}
