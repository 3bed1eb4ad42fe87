package redisstore_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// R12: after a replica has taken over and revoked a credential, the answer of the old
// primary is an outage, in every way in which the store may still be connected to it.
func TestTakeover(t *testing.T) {
	t.Parallel()
	for name, takeOver := range services.RedisTakeovers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := services.StartRedisFailover(t)
			st := openURL(t, "redis://"+f.Name.Addr(), redisstore.Config{Timeout: time.Second})
			c := stored(t, st)
			f.Old.AwaitReplica(f.New)
			if err := lookup(t.Context(), st, c); err != nil {
				t.Fatal(err)
			}
			w := watch(t, st)
			takeOver(t, f, func() { revokeAt(t, f.New, c) })
			began := time.Now()
			for time.Since(began) < time.Second {
				for call, find := range map[string]func() (*store.Credential, error){
					"Find": func() (*store.Credential, error) { return st.Find(t.Context(), c.Kind, c.Digest) },
					"Get":  func() (*store.Credential, error) { return st.Get(t.Context(), c.ID) },
				} {
					got, err := find()
					if err == nil && got.RevokedAt.IsZero() {
						t.Fatalf("%s: active %v after the revocation", call, time.Since(began))
					}
					if errors.Is(err, store.ErrNotFound) {
						t.Fatalf("%s: an outage was reported as an answer", call)
					}
				}
			}
			select {
			case <-w.ended:
			case <-time.After(5 * time.Second):
				t.Error("Watch goes on")
			}
			if err := st.Check(t.Context()); err == nil {
				t.Error("Check finds nothing")
			}
		})
	}
}

// revokeAt revokes c at a server.
func revokeAt(t *testing.T, server *services.Redis, c *store.Credential) {
	t.Helper()
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{})
	changed, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now())
	if err != nil || len(changed) != 1 {
		t.Fatalf("Revoke: %d, %v", len(changed), err)
	}
}

// R12: Watch and Check name the cause.
func TestDemotionIsNamed(t *testing.T) {
	f := services.StartRedisFailover(t)
	st := openURL(t, "redis://"+f.Name.Addr(), redisstore.Config{})
	w := watch(t, st)
	f.New.Promote()
	f.Old.ReplicaOf("127.0.0.1:1")
	for what, err := range map[string]error{"Watch": <-w.ended, "Find": lookup(t.Context(), st, credential("ada")), "Check": st.Check(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "is a replica") {
			t.Errorf("%s: %v, want it to name the replica", what, err)
		}
	}
}

// R12: when sentinels replace a paused primary, the store follows, and does not
// return to the old one.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	primary := services.StartRedis(t, "--repl-diskless-sync-delay", "0")
	replica := primary.StartReplica(t)
	sentinel := startSentinel(t, primary)
	eventually(t, 15*time.Second, "the sentinel knows the replica", func() bool {
		return strings.Contains(sentinel.Info("sentinel")["master0"], "slaves=1")
	})
	st := openURL(t, "redis://"+sentinel.Addr()+"?master_set=mymaster", redisstore.Config{Timeout: time.Second})
	c := stored(t, st)
	primary.AwaitReplica(replica)
	primary.Pause()
	eventually(t, 20*time.Second, "the replica has taken over", func() bool { return replica.Info("replication")["role"] == "master" })
	eventually(t, 10*time.Second, "the store follows", func() bool { return lookup(t.Context(), st, c) == nil })
	if _, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	primary.Resume()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		if got, err := st.Find(t.Context(), c.Kind, c.Digest); err == nil && got.RevokedAt.IsZero() {
			t.Fatal("accepted after the revocation")
		}
	}
}

// R12: when a cluster replaces a paused primary, the store follows. It accepts no
// answer of the old primary when that comes back.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	servers := startClusterOf(t, 3)
	replica := addReplica(t, servers[0])
	for _, s := range servers {
		eventually(t, 20*time.Second, "all know the replica", func() bool {
			nodes, err := s.Do("CLUSTER", "NODES")
			return err == nil && strings.Count(nodes, "slave") == 1 && !strings.Contains(nodes, "handshake")
		})
	}
	st := openURL(t, "redis://"+servers[1].Addr(), redisstore.Config{Timeout: time.Second})
	w := watch(t, st)
	var cs []*store.Credential
	for i := range 20 {
		c := credential("account-" + strconv.Itoa(i)) // so that each primary has one
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		cs = append(cs, c)
	}
	servers[0].AwaitReplica(replica)
	servers[0].Pause()
	eventually(t, 20*time.Second, "the replica has taken over", func() bool { return replica.Info("replication")["role"] == "master" })
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		t.Error("Watch goes on without a primary")
	}
	for _, c := range cs {
		eventually(t, 10*time.Second, "the store follows", func() bool { return lookup(t.Context(), st, c) == nil })
		if _, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 10*time.Second, "Watch follows", func() bool {
		ctx, stop := context.WithCancel(t.Context())
		alive := false
		st.Watch(ctx, func() { alive = true; stop() }, func(store.Digest) {})
		stop()
		return alive
	})
	servers[0].Resume()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		for _, c := range cs {
			if got, err := st.Find(t.Context(), c.Kind, c.Digest); err == nil && got.RevokedAt.IsZero() {
				t.Fatal("accepted after the revocation")
			}
		}
	}
}
