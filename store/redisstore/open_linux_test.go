package redisstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// openURL returns a store from Open, which is closed at the end of the test.
func openURL(tb testing.TB, url string, cfg redisstore.Config) *redisstore.Store {
	tb.Helper()
	if cfg.Prefix == "" {
		cfg.Prefix = "test"
	}
	st, err := redisstore.Open(tb.Context(), url, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	return st
}

// stored inserts a new credential.
func stored(tb testing.TB, st *redisstore.Store) *store.Credential {
	tb.Helper()
	c := credential("ada")
	if _, err := st.Insert(tb.Context(), c, store.Limits{}); err != nil {
		tb.Fatal(err)
	}
	return c
}

// lookup finds c.
func lookup(ctx context.Context, st store.Finder, c *store.Credential) error {
	_, err := st.Find(ctx, c.Kind, c.Digest)
	return err
}

// Open connects to a single server with a password, to a cluster, and to the primary
// that sentinels name.
func TestOpen(t *testing.T) {
	single := services.StartRedis(t)
	if _, err := single.Do("ACL", "SETUSER", "app", "on", ">s:e/c?ret", "~*", "&*", "+@all"); err != nil {
		t.Fatal(err)
	}
	cluster := startCluster(t)
	sentinel := startSentinel(t, single)
	for name, url := range map[string]string{
		"single":   "redis://app:s%3Ae%2Fc%3Fret@" + single.Addr() + "/3",
		"cluster":  "redis://" + cluster.Addr(),
		"sentinel": "redis://" + sentinel.Addr() + "?master_set=mymaster",
	} {
		t.Run(name, func(t *testing.T) {
			st := openURL(t, url, redisstore.Config{})
			c := stored(t, st)
			if err := lookup(t.Context(), st, c); err != nil {
				t.Error(err)
			}
		})
	}
}

// startSentinel starts a sentinel that monitors a primary as "mymaster".
func startSentinel(t *testing.T, primary *services.Redis) *services.Redis {
	t.Helper()
	host, port, err := net.SplitHostPort(primary.Addr())
	if err != nil {
		t.Fatal(err)
	}
	sentinel := services.StartSentinel(t)
	for _, args := range [][]string{
		{"SENTINEL", "MONITOR", "mymaster", host, port, "1"},
		{"SENTINEL", "SET", "mymaster", "down-after-milliseconds", "500"},
		{"SENTINEL", "SET", "mymaster", "failover-timeout", "5000"},
	} {
		if _, err := sentinel.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	return sentinel
}

// B8, B1: Open refuses mistakes, and no error contains the password.
func TestOpenMistakes(t *testing.T) {
	server := services.StartRedis(t)
	for name, open := range map[string]func() (*redisstore.Store, error){
		"no URL": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "", redisstore.Config{Prefix: "test"})
		},
		"scheme": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "http://u:canary@localhost", redisstore.Config{Prefix: "test"})
		},
		"password not encoded": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://u:can/ary@localhost:1/canary", redisstore.Config{Prefix: "test"})
		},
		"wrong password": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://u:canary@"+server.Addr(), redisstore.Config{Prefix: "test"})
		},
		"RESP2": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://"+server.Addr()+"?protocol=2", redisstore.Config{Prefix: "test"})
		},
		"no prefix": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://"+server.Addr(), redisstore.Config{})
		},
		"client": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://"+server.Addr(), redisstore.Config{Prefix: "test", Client: connect(t, server)})
		},
		"refused": func() (*redisstore.Store, error) {
			return redisstore.Open(t.Context(), "redis://u:canary@127.0.0.1:1", redisstore.Config{Prefix: "test"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			st, err := open()
			if st != nil || err == nil {
				t.Fatalf("Open = %v, %v, want an error", st, err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "ary") {
				t.Errorf("the error contains the password: %v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("after %v", took)
			}
		})
	}
}

// Options changes the options of the client, and Open ends with its context.
func TestOpenOptionsAndContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := redisstore.Open(ctx, "redis://redis.example:6379", redisstore.Config{Prefix: "test", Options: func(o *rueidis.ClientOption) {
		o.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
			if addr != "redis.example:6379" {
				t.Errorf("dial %s", addr)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}})
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 500*time.Millisecond {
		t.Errorf("Open: %v after %v, want the context's error", err, took)
	}
}

// B6: Close ends everything that Open started, and may be called again. It does not
// close a client that was passed to New.
func TestClose(t *testing.T) {
	server := services.StartRedis(t)
	before := runtime.NumGoroutine()
	st, err := redisstore.Open(t.Context(), "redis://"+server.Addr(), redisstore.Config{Prefix: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c := stored(t, st)
	for range 2 {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	outage(t, "Find after Close", lookup(t.Context(), st, c))
	eventually(t, 5*time.Second, "the goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })

	st = openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test"})
	st.Close()
	if err := lookup(t.Context(), st, c); err != nil {
		t.Errorf("Find after Close of a store from New: %v", err)
	}
}
