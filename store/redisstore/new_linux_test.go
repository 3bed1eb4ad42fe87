package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/redisstore"
)

// B8: the error names every mistake.
func TestConfigMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  redisstore.Config
		want []string
	}{
		"zero": {redisstore.Config{}, []string{"Config.Client", "Config.Prefix"}},
		"all":  {redisstore.Config{Prefix: "a{b", Timeout: -1, Replicas: -1}, []string{"Config.Client", `"a{b"`, "Config.Timeout", "Config.Replicas"}},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := redisstore.New(t.Context(), test.cfg)
			if err == nil || st != nil {
				t.Fatalf("New = %v, %v, want an error", st, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q: does not say %s", err, want)
				}
			}
		})
	}
}

// B8: New refuses a server that may evict credentials, if CONFIG or INFO reports it
// or if neither reports the policy.
func TestEvictionIsRefused(t *testing.T) {
	server := services.StartRedis(t)
	do := func(args ...string) {
		t.Helper()
		if _, err := server.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	for user, forbidden := range map[string][]string{"all": nil, "managed": {"-config"}, "silent": {"-config", "-info"}} {
		do(append([]string{"ACL", "SETUSER", user, "on", "nopass", "~*", "&*", "+@all"}, forbidden...)...)
		client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, Username: user, Password: "any"})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for _, policy := range []string{"noeviction", "allkeys-lru", "volatile-lru", "volatile-ttl"} {
			t.Run(user+"/"+policy, func(t *testing.T) {
				do("CONFIG", "SET", "maxmemory-policy", policy)
				cfg := redisstore.Config{Client: client, Prefix: "test"}
				_, err := redisstore.New(t.Context(), cfg)
				if want := policy == "noeviction" && user != "silent"; (err == nil) != want {
					t.Errorf("New: %v, want it to succeed: %v", err, want)
				}
				cfg.DangerouslyAllowEviction = true
				if _, err = redisstore.New(t.Context(), cfg); err != nil {
					t.Errorf("New with DangerouslyAllowEviction: %v", err)
				}
			})
		}
	}
}

// New refuses a cluster if one node may evict.
func TestEvictionIsRefusedOnCluster(t *testing.T) {
	server := startCluster(t)
	client := connect(t, server)
	if _, err := server.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"); err != nil {
		t.Fatal(err)
	}
	_, err := redisstore.New(t.Context(), redisstore.Config{Client: client, Prefix: "test"})
	if err == nil || !strings.Contains(err.Error(), server.Addr()) || !strings.Contains(err.Error(), "allkeys-lfu") {
		t.Errorf("New: %v, want an error that names the node and its policy", err)
	}
}

// B10: New does not wait long for a server that is silent.
func TestNewIsBounded(t *testing.T) {
	server := services.StartRedis(t)
	client := connect(t, server)
	server.Pause()
	defer server.Resume()
	start := time.Now()
	_, err := redisstore.New(t.Context(), redisstore.Config{Client: client, Prefix: "test", Timeout: 200 * time.Millisecond})
	if took := time.Since(start); err == nil || took > time.Second {
		t.Errorf("New: %v after %v, want an error after 200ms", err, took)
	}
}

// R12: New and Open refuse a replica.
func TestReplicaIsRefused(t *testing.T) {
	replica := services.StartRedis(t).StartReplica(t)
	if _, err := redisstore.New(t.Context(), redisstore.Config{Client: connect(t, replica), Prefix: "test"}); err == nil {
		t.Error("New accepts a replica")
	}
	if _, err := redisstore.Open(t.Context(), "redis://"+replica.Addr(), redisstore.Config{Prefix: "test"}); err == nil {
		t.Error("Open accepts a replica")
	}
}
