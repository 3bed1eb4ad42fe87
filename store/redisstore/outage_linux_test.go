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

// B4, B10: during an outage the answer is 503, never 401. It ends within 2 seconds
// after its cause has ended.
func TestOutageIsUnavailable(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	st := openURL(t, "redis://"+server.Addr(), redisstore.Config{Timeout: time.Second})
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
		if took := time.Since(start); took > time.Second+slack {
			t.Errorf("answered after %v, want at most %v", took, time.Second)
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

// B10: every call is bounded, even if more calls wait than the client's queues hold.
func TestEveryCallIsBounded(t *testing.T) {
	server := services.StartRedis(t)
	for name, st := range bothWays(t, server.Addr()) {
		t.Run(name, func(t *testing.T) {
			c := credential("ada")
			name := "new"
			server.Pause()
			defer server.Resume()
			ctx := context.Background()
			calls := map[string]func() error{
				"Find":   func() error { return lookup(ctx, st, c) },
				"Get":    func() error { _, err := st.Get(ctx, c.ID); return err },
				"List":   func() error { _, _, err := st.List(ctx, store.Query{Subject: "ada", Kind: c.Kind}); return err },
				"Insert": func() error { _, err := st.Insert(ctx, credential("ada"), store.Limits{}); return err },
				"Update": func() error { _, err := st.Update(ctx, c.ID, store.Changes{Name: &name}); return err },
				"Rotate": func() error { return st.Rotate(ctx, c.ID, c.ExpiresAt, credential("ada"), store.Limits{}) },
				"Revoke": func() error { _, err := st.Revoke(ctx, store.Filter{ID: c.ID}, c.CreatedAt); return err },
				"Touch":  func() error { return st.Touch(ctx, []store.Use{{ID: c.ID, At: c.CreatedAt}}) },
				"Prune":  func() error { _, err := st.Prune(ctx, store.PruneBefore{Ended: c.CreatedAt}); return err },
				"Erase":  func() error { _, err := st.Erase(ctx, "ada"); return err },
				"Notify": func() error { return st.Notify(ctx, c.Digest) },
			}
			var callers sync.WaitGroup
			for name, call := range calls {
				for range 300 {
					callers.Go(func() {
						start := time.Now()
						err := call()
						if took := time.Since(start); took > 4*timeout+2*slack {
							t.Errorf("%s: answered after %v, want about %v", name, took, timeout)
						}
						outage(t, name, err)
					})
				}
			}
			callers.Wait()
		})
	}
}

// A server that refuses a write does not apply a part of it. If its memory is full,
// lookups and revocations still work. A replica answers no call.
func TestRefusals(t *testing.T) {
	server := services.StartRedis(t)
	for name, refuse := range map[string]struct{ begin, end []string }{
		"full":    {[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		"replica": {[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := openURL(t, "redis://"+server.Addr(), redisstore.Config{})
			c, next := stored(t, st), credential("ada")
			if _, err := server.Do(refuse.begin...); err != nil {
				t.Fatal(err)
			}
			_, err := st.Insert(t.Context(), next, store.Limits{})
			outage(t, "Insert", err)
			outage(t, "Rotate", st.Rotate(t.Context(), c.ID, c.ExpiresAt, next, store.Limits{}))
			outage(t, "Rotate of an unknown ID", st.Rotate(t.Context(), next.ID, c.ExpiresAt, next, store.Limits{}))
			calls := map[string]func() error{
				"Find": func() error { return lookup(t.Context(), st, c) },
				"Get":  func() error { _, err := st.Get(t.Context(), c.ID); return err },
				"List": func() error { _, _, err := st.List(t.Context(), store.Query{Subject: "ada", Kind: c.Kind}); return err },
				"Scan": func() error {
					for _, err := range st.Scan(t.Context(), store.ScanFilter{}) {
						return err
					}
					return nil
				},
				"Revoke": func() error { _, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, c.CreatedAt); return err },
			}
			for call, do := range calls {
				if err := do(); name == "replica" {
					outage(t, call, err)
				} else if err != nil {
					t.Errorf("%s: %v, want it to work", call, err)
				}
			}
			if _, err := server.Do(refuse.end...); err != nil {
				t.Fatal(err)
			}
			got, err := st.Find(t.Context(), c.Kind, c.Digest)
			if err != nil || !got.RotatedAt.IsZero() || got.RevokedAt.IsZero() == (name == "full") {
				t.Errorf("afterwards: %+v, %v", got, err)
			}
			if err := lookup(t.Context(), st, next); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a credential whose Insert was refused: %v", err)
			}
		})
	}
}
