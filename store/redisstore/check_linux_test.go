package redisstore_test

import (
	"context"
	"crypto/tls"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/redisstore"
)

// R12: Check returns nil for a fit server, and otherwise names each wrong setting,
// all at once.
func TestCheck(t *testing.T) {
	start := func(t *testing.T) *services.Redis {
		return services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0")
	}
	set := func(args ...string) func(*testing.T, *services.Redis) {
		return func(t *testing.T, s *services.Redis) {
			for ; len(args) > 0; args = args[2:] {
				if _, err := s.Do("CONFIG", "SET", args[0], args[1]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	withReplica := func(then func(*testing.T, *services.Redis)) func(*testing.T, *services.Redis) {
		return func(t *testing.T, s *services.Redis) {
			replica := s.StartReplica(t)
			eventually(t, 5*time.Second, "the replica is online", func() bool {
				return strings.Contains(s.Info("replication")["slave0"], "state=online")
			})
			s.AwaitReplica(replica)
			then(t, s)
		}
	}
	for name, test := range map[string]struct {
		cfg   redisstore.Config
		spoil func(*testing.T, *services.Redis)
		want  []string // nil: no error
	}{
		"fit":               {spoil: set()},
		"fit, replicated":   {redisstore.Config{Replicas: 1}, withReplica(set("min-replicas-to-write", "1")), nil},
		"no log":            {spoil: set("appendonly", "no"), want: []string{"appendonly"}},
		"no sync":           {spoil: set("appendfsync", "everysec"), want: []string{"appendfsync"}},
		"evicts":            {spoil: set("maxmemory-policy", "allkeys-lru"), want: []string{"maxmemory-policy"}},
		"nearly full":       {spoil: set("maxmemory", "1mb"), want: []string{"maxmemory"}},
		"writable replicas": {spoil: set("replica-read-only", "no"), want: []string{"replica-read-only"}},
		"replica missing":   {redisstore.Config{Replicas: 1}, set(), []string{"Config.Replicas"}},
		"not waited for":    {spoil: withReplica(set("min-replicas-to-write", "1")), want: []string{"Config.Replicas"}},
		"may be cut off":    {redisstore.Config{Replicas: 1}, withReplica(set()), []string{"min-replicas-to-write"}},
		"demoted":           {spoil: func(t *testing.T, s *services.Redis) { s.ReplicaOf("127.0.0.1:1") }, want: []string{"replica", "link"}},
		"many":              {spoil: set("appendfsync", "no", "maxmemory-policy", "volatile-lru"), want: []string{"appendfsync", "maxmemory-policy"}},
		"down":              {spoil: func(t *testing.T, s *services.Redis) { s.Kill() }, want: []string{"refused"}},
		"silent":            {spoil: func(t *testing.T, s *services.Redis) { s.Pause() }, want: []string{"redisstore"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			st := openURL(t, "redis://"+server.Addr(), test.cfg)
			test.spoil(t, server)
			began := time.Now()
			err := st.Check(t.Context())
			if (err != nil) != (test.want != nil) {
				t.Fatalf("Check: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Check: %v, want it to name %q", err, want)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("Check took %v", took)
			}
		})
	}
}

// Settings that a managed server does not report are no finding, but are named if
// there is another finding.
func TestCheckWithoutConfig(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes")
	permit(t, server, "all", "~test{*}:*", "&test{*}:changes")
	if err := openURL(t, "redis://all:secret@"+server.Addr(), redisstore.Config{}).Check(t.Context()); err == nil {
		t.Error("Check does not report appendfsync everysec")
	}
	permit(t, server, "managed", "~test{*}:*", "&test{*}:changes", "+config|get")
	st := openURL(t, "redis://managed:secret@"+server.Addr(), redisstore.Config{})
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("Check: %v, want nil", err)
	}
	if _, err := server.Do("CONFIG", "SET", "maxmemory-policy", "volatile-ttl"); err != nil {
		t.Fatal(err)
	}
	err := st.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "maxmemory-policy") || !strings.Contains(err.Error(), "appendfsync") {
		t.Errorf("Check: %v, want maxmemory-policy, and that appendfsync is unknown", err)
	}
}

// A clock that differs by more than store.Skew is a finding.
func TestCheckClock(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	for off, fit := range map[time.Duration]bool{0: true, 55 * time.Second: true, 65 * time.Second: false, -65 * time.Second: false} {
		st := openURL(t, "redis://"+server.Addr(), redisstore.Config{Options: func(o *rueidis.ClientOption) {
			o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
				conn, err := d.DialContext(ctx, "tcp", addr)
				return shiftedClock{conn, off}, err
			}
		}})
		if err := st.Check(t.Context()); (err == nil) != fit {
			t.Errorf("clock off by %v: %v", off, err)
		}
	}
}

// A shiftedClock changes the server's answers to TIME.
type shiftedClock struct {
	net.Conn
	off time.Duration
}

var timeAnswer = regexp.MustCompile(`^\*2\r\n\$10\r\n\d{10}`)

func (c shiftedClock) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if at := timeAnswer.FindIndex(b[:n]); at != nil {
		seconds := b[at[1]-10 : at[1]]
		was, _ := strconv.Atoi(string(seconds))
		copy(seconds, strconv.Itoa(was+int(c.off.Seconds())))
	}
	return n, err
}
