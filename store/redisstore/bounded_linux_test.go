package redisstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

const (
	timeout = 400 * time.Millisecond
	slack   = 1500 * time.Millisecond // for a busy machine; an unbounded call takes at least 5 seconds
)

// bothWays returns a store from Open and one from New, on the same data.
func bothWays(t *testing.T, addr string) map[string]*redisstore.Store {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return map[string]*redisstore.Store{
		"Open": openURL(t, "redis://"+addr, redisstore.Config{Timeout: timeout}),
		"New":  openWith(t, redisstore.Config{Client: client, Prefix: "test", Timeout: timeout}),
	}
}

// took runs a call, and checks that it returns an outage within the limit.
func took(t *testing.T, limit time.Duration, call func() error) {
	t.Helper()
	start := time.Now()
	err := call()
	if d := time.Since(start); d > limit {
		t.Errorf("answered after %v, want at most %v: %v", d, limit, err)
	}
	outage(t, "the call", err)
}

// B10: if the server refuses connections, calls return an outage at once. When the
// server is back, they work again.
func TestRefusedConnection(t *testing.T) {
	server := services.StartRedis(t)
	stores := bothWays(t, server.Addr())
	for name, st := range stores {
		t.Run(name, func(t *testing.T) {
			c := credential("ada")
			for _, st := range stores {
				if err := lookup(t.Context(), st, c); !errors.Is(err, store.ErrNotFound) {
					t.Fatal(err)
				}
			}
			server.Kill()
			for range 20 {
				took(t, 50*time.Millisecond, func() error { return lookup(t.Context(), st, c) })
				took(t, 50*time.Millisecond, func() error { _, err := st.Get(t.Context(), c.ID); return err })
			}
			server.Start()
			eventually(t, 2*time.Second, "answers again", func() bool { return errors.Is(lookup(t.Context(), st, c), store.ErrNotFound) })
		})
	}
}

// B10: when the server or the network becomes silent, calls in progress and later
// ones end within the timeout, or when their context ends.
func TestSilence(t *testing.T) {
	server := services.StartRedis(t)
	proxy := services.StartProxy(t, server.Addr())
	c := stored(t, openURL(t, "redis://"+server.Addr(), redisstore.Config{}))
	for name, silence := range map[string]struct{ begin, end func() }{
		"paused server":     {server.Pause, server.Resume},
		"silent network":    {proxy.Pause, proxy.Resume},
		"silent on connect": {func() { proxy.Pause(); proxy.Cut() }, proxy.Resume},
		"slow network":      {func() { proxy.Delay(time.Second) }, func() { proxy.Delay(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			for name, st := range bothWays(t, proxy.Addr()) {
				t.Run(name, func(t *testing.T) {
					if err := lookup(t.Context(), st, c); err != nil {
						t.Fatal(err)
					}
					silent, stop := make(chan struct{}), make(chan struct{})
					var callers sync.WaitGroup
					var warm atomic.Int64
					for i := range 64 {
						callers.Go(func() {
							for {
								ctx, limit := context.Background(), timeout
								if i%2 == 0 {
									ctx, limit = t.Context(), timeout
								}
								if i%4 == 0 {
									limit = timeout / 8
									deadline, cancel := context.WithTimeout(ctx, limit)
									defer cancel()
									ctx = deadline
								}
								start := time.Now()
								err := lookup(ctx, st, c)
								if d := time.Since(start); d > limit+slack {
									t.Errorf("answered after %v, want %v: %v", d, limit, err)
								}
								warm.Add(1)
								select {
								case <-silent:
									outage(t, "Find", err)
								default:
								}
								select {
								case <-stop:
									return
								default:
								}
							}
						})
					}
					eventually(t, 5*time.Second, "calls are answered", func() bool { return warm.Load() > 2000 })
					silence.begin()
					time.AfterFunc(2*timeout, func() { close(silent) })
					time.AfterFunc(3*timeout, func() { close(stop) })
					callers.Wait()
					silence.end()
					eventually(t, 3*time.Second, "answers again", func() bool { return lookup(t.Context(), st, c) == nil })
				})
			}
		})
	}
}

// A call ends with its context while another call waits for a connection.
func TestHangingDial(t *testing.T) {
	t.Parallel()
	server := services.StartRedis(t)
	var hang atomic.Bool
	dialing := make(chan struct{}, 100)
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{Timeout: 2 * time.Second, Options: func(o *rueidis.ClientOption) {
		o.PipelineMultiplex = -1
		o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			if hang.Load() {
				dialing <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return d.DialContext(ctx, "tcp", addr)
		}
	}})
	c := stored(t, st)
	for range 3 {
		eventually(t, 5*time.Second, "answers", func() bool { return lookup(t.Context(), st, c) == nil })
		hang.Store(true)
		if _, err := server.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); err != nil {
			t.Fatal(err)
		}
		var first sync.WaitGroup
		first.Go(func() { took(t, 2*time.Second, func() error { return lookup(context.Background(), st, c) }) })
		<-dialing
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			took(t, 20*time.Millisecond+slack, func() error { return lookup(ctx, st, c) })
			cancel()
		}
		first.Wait()
		hang.Store(false)
		for len(dialing) > 0 {
			<-dialing
		}
	}
}

// If the server closes idle connections, no call fails.
func TestIdleConnectionClosed(t *testing.T) {
	server := services.StartRedis(t)
	c := stored(t, openURL(t, "redis://"+server.Addr(), redisstore.Config{}))
	for name, st := range bothWays(t, server.Addr()) {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				if _, err := server.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); err != nil {
					t.Fatal(err)
				}
				if err := lookup(t.Context(), st, c); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// B11: a canceled call ends at once, with the context's error.
func TestCancellation(t *testing.T) {
	server := services.StartRedis(t)
	for name, st := range bothWays(t, server.Addr()) {
		t.Run(name, func(t *testing.T) {
			c := stored(t, st)
			server.Pause()
			defer server.Resume()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			took(t, 20*time.Millisecond+slack, func() error {
				err := lookup(ctx, st, c)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Find: %v, want the context's error", err)
				}
				return err
			})
		})
	}
}

// A call ends with its context even if there are more unanswered calls than fit in
// the client's queues.
func TestFullQueue(t *testing.T) {
	server := services.StartRedis(t)
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{Timeout: 8 * time.Second})
	c := stored(t, st)
	for range 50 { // without a deadline, so that the connections begin to use their queues
		if err := lookup(t.Context(), st, c); err != nil {
			t.Fatal(err)
		}
	}
	server.Pause()
	defer server.Resume()
	var callers sync.WaitGroup
	for range 6000 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			took(t, 2*time.Second, func() error { return lookup(ctx, st, c) })
		})
	}
	callers.Wait()
}
