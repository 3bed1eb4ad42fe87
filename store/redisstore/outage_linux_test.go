package redisstore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// B4, C6: an outage is answered by 503, never by 401, and ends within 2 seconds
// of what caused it.
func TestOutageIsUnavailable(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	st := openWith(t, redisstore.Config{Client: connect(t, server), Prefix: "test", Timeout: 300 * time.Millisecond})
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	good, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	api := httptest.NewServer(guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })))
	defer api.Close()
	status := func() int {
		t.Helper()
		r, _ := http.NewRequest("GET", api.URL, nil)
		r.Header.Set("Authorization", "Bearer "+good.Reveal())
		start := time.Now()
		response, err := api.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if took := time.Since(start); took > time.Second {
			t.Errorf("answered after %v, want about the timeout of 300ms", took)
		}
		if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return response.StatusCode
	}
	for name, outage := range map[string]struct{ begin, end func() }{
		"killed": {server.Kill, server.Start},
		"paused": {server.Pause, server.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			if got := status(); got != http.StatusOK {
				t.Fatalf("before: status %d", got)
			}
			before := served.Load()
			outage.begin()
			for range 5 {
				if got := status(); got != http.StatusServiceUnavailable {
					t.Errorf("during: status %d, want 503", got)
				}
			}
			if served.Load() != before {
				t.Error("the handler ran without authentication")
			}
			outage.end()
			eventually(t, 2*time.Second, "status 200", func() bool { return status() == http.StatusOK })
		})
	}
}

// Each call is bounded, however many wait already: more than the client's queues
// hold.
func TestEveryCallIsBounded(t *testing.T) {
	server := services.StartRedis(t)
	client := connect(t, server)
	st := openWith(t, redisstore.Config{Client: client, Prefix: "test", Timeout: 300 * time.Millisecond})
	c := credential("ada")
	for range 20 { // without a deadline: the client's connections begin to use their queues
		if err := client.Do(t.Context(), client.B().Ping().Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	server.Pause()
	defer server.Resume()
	calls := map[string]func() error{
		"Find":   func() error { _, err := st.Find(context.Background(), c.Kind, c.Digest); return err },
		"Get":    func() error { _, err := st.Get(context.Background(), c.ID); return err },
		"List":   func() error { _, err := st.List(context.Background(), store.Filter{ID: c.ID}); return err },
		"Insert": func() error { return st.Insert(context.Background(), credential("ada"), 0) },
		"Rotate": func() error { return st.Rotate(context.Background(), c.ID, c.ExpiresAt, credential("ada")) },
		"Revoke": func() error {
			_, err := st.Revoke(context.Background(), store.Filter{ID: c.ID}, c.CreatedAt)
			return err
		},
		"Touch": func() error { return st.Touch(context.Background(), c.ID, c.CreatedAt) },
		"Prune": func() error { _, err := st.Prune(context.Background(), c.CreatedAt); return err },
	}
	var done sync.WaitGroup
	for name, call := range calls {
		for range 600 {
			done.Go(func() {
				start := time.Now()
				err := call()
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("%s: answered after %v, want about 300ms", name, took)
				}
				outage(t, name, err)
			})
		}
	}
	done.Wait()
}

// outage wants err to be one, and not an answer.
func outage(tb testing.TB, call string, err error) {
	tb.Helper()
	if err == nil {
		tb.Errorf("%s: no error, want an outage", call)
	}
	for _, answer := range []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict} {
		if errors.Is(err, answer) {
			tb.Errorf("%s: %v, want an outage", call, err)
		}
	}
}

// A server that refuses to serve is an outage: what it does not do, it does not do
// by half. Revocation works where memory is full.
func TestRefusalsAreOutages(t *testing.T) {
	server := services.StartRedis(t, "--save", "")
	client := connect(t, server)
	set := func(args ...string) {
		t.Helper()
		if _, err := server.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	for name, refuse := range map[string]struct{ begin, end []string }{
		"full":      {[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		"read-only": {[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, client)
			c, next := credential("ada"), credential("ada")
			if err := st.Insert(t.Context(), c, 0); err != nil {
				t.Fatal(err)
			}
			set(refuse.begin...)
			outage(t, "Insert", st.Insert(t.Context(), next, 0))
			outage(t, "Rotate", st.Rotate(t.Context(), c.ID, c.ExpiresAt, next))
			outage(t, "Rotate of an unknown ID", st.Rotate(t.Context(), next.ID, c.ExpiresAt, next))
			outage(t, "Touch of an unknown ID", st.Touch(t.Context(), next.ID, c.CreatedAt))
			changed, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, c.CreatedAt)
			if name == "full" {
				if err != nil || len(changed) != 1 {
					t.Errorf("Revoke: %d, %v, want it to work", len(changed), err)
				}
			} else {
				outage(t, "Revoke", err)
			}
			set(refuse.end...)
			got, err := st.Find(t.Context(), c.Kind, c.Digest)
			if err != nil || !got.RotatedAt.IsZero() || got.RevokedAt.IsZero() == (name == "full") {
				t.Errorf("afterwards: %+v, %v", got, err)
			}
			if err := expect(st, next, false, "refused"); err != nil {
				t.Error(err)
			}
		})
	}
}
