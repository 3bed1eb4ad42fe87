package cache_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A thousand concurrent lookups of one credential make one query. All but the last
// are canceled, including the one that began the query. The last one gets the answer.
// B3
func TestOneQuery(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		answer := p.hold()
		const n = 1000
		out := make(chan error, n)
		var cancels []context.CancelFunc
		for range n {
			ctx, cancel := context.WithCancel(t.Context())
			cancels = append(cancels, cancel)
			go func() {
				_, err := p.Find(ctx, store.KindToken, token("a").Digest)
				out <- err
			}()
			synctest.Wait()
		}
		for _, cancel := range cancels[:n-1] {
			cancel()
		}
		for range n - 1 {
			if err := <-out; !errors.Is(err, context.Canceled) {
				t.Errorf("canceled lookup: %v, want %v", err, context.Canceled)
			}
		}
		close(answer)
		if err := <-out; err != nil {
			t.Errorf("last lookup: %v", err)
		}
		if asked := p.here.finds.Load(); asked != 1 {
			t.Errorf("the store was asked %d times, want 1", asked)
		}
		cancels[n-1]()
		p.asked(0, func() { p.is("a", "good") })
	})
}

// When no lookup waits any more, the query is canceled, and a later lookup does not
// wait for it. B3
func TestNobodyWaits(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		ended := make(chan error, 1)
		p.here.find = func(ctx context.Context, _ func() (*store.Credential, error)) (*store.Credential, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			time.Sleep(time.Second) // to close the connection
			return nil, ctx.Err()
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if got := state(p.Find(ctx, store.KindToken, token("a").Digest)); got != context.DeadlineExceeded.Error() {
				t.Errorf("%s, want %v", got, context.DeadlineExceeded)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the query: %v, want %v", err, context.Canceled)
			}
		}
		p.here.find = nil
		p.is("a", "good")
		time.Sleep(time.Second)
		p.is("a", "good")
	})
}

// A query has five seconds, independent of the deadline of the request that began it.
// If the store ignores that limit, only lookups within this time wait for it, and no
// later ones. B4
func TestQueryTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{MaxStale: time.Minute})
		p.insert("a")
		p.hold()
		began := time.Now()
		p.is("a", context.DeadlineExceeded.Error())
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v, want 5s", took)
		}
		stuck := make(chan struct{})
		p.here.find = func(context.Context, func() (*store.Credential, error)) (*store.Credential, error) {
			<-stuck
			return nil, errors.New("stuck")
		}
		first := p.async("a")
		p.here.find = nil
		time.Sleep(5*time.Second - 1)
		second := p.async("a")
		time.Sleep(time.Nanosecond)
		p.is("a", "good")
		close(stuck)
		for _, out := range []<-chan string{first, second} {
			if got := <-out; got != "stuck" {
				t.Errorf("%s, want stuck", got)
			}
		}
	})
}

// When an outdated query ends, the query that replaced it stays in progress. B3
func TestQueryReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p := newPair(t, isWatched, cache.Config{})
		p.insert("a")
		answer := p.hold()
		first := p.async("a")
		p.revoke(p, "a")
		again := p.hold()
		p.asked(1, func() {
			second := p.async("a")
			close(answer)
			if got := <-first; got != "good" {
				t.Errorf("lookup before: %s, want good", got)
			}
			third := p.async("a")
			close(again)
			for _, out := range []<-chan string{second, third} {
				if got := <-out; got != "revoked" {
					t.Errorf("lookup after: %s, want revoked", got)
				}
			}
		})
	})
}

// A lookup waits for an earlier query only if its answer, once kept, would be fresh
// enough for the lookup.
func TestTooLateToJoin(t *testing.T) {
	tests := []struct {
		name     string
		maxStale time.Duration
		wait     time.Duration
		want     int64
	}{
		{"soon enough", 2 * time.Second, 2*time.Second - 1, 0},
		{"too late", 2 * time.Second, 2 * time.Second, 1},
		{"no MaxStale", -1, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, false, cache.Config{MaxStale: tt.maxStale})
				p.insert("a")
				answer := p.hold()
				first := p.async("a")
				time.Sleep(tt.wait)
				p.asked(tt.want, func() {
					second := p.async("a")
					close(answer)
					<-first
					<-second
				})
			})
		})
	}
}

// All lookups that wait get the error of an outage, and it is not kept. A panic of
// the store and a call of runtime.Goexit are outages. B2 B4
func TestOutages(t *testing.T) {
	tests := []struct {
		name string
		find func() (*store.Credential, error)
		want string
	}{
		{"error", func() (*store.Credential, error) { return nil, errors.New("connection refused") }, "connection refused"},
		{"error and a row", func() (*store.Credential, error) { return token("a"), errors.New("connection reset") }, "connection reset"},
		{"timeout", func() (*store.Credential, error) { return nil, context.DeadlineExceeded }, "context deadline exceeded"},
		{"panic", func() (*store.Credential, error) { panic("a bug") }, "cache: panic in a lookup: a bug"},
		{"goexit", func() (*store.Credential, error) { runtime.Goexit(); return nil, nil }, "cache: a lookup ended its goroutine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, isWatched bool) {
				p := newPair(t, isWatched, cache.Config{})
				p.insert("a")
				fail := make(chan struct{})
				p.here.find = func(context.Context, func() (*store.Credential, error)) (*store.Credential, error) {
					<-fail
					return tt.find()
				}
				p.asked(1, func() {
					waiting := []<-chan string{p.async("a"), p.async("a"), p.async("a")}
					close(fail)
					for _, out := range waiting {
						if got := <-out; !strings.HasPrefix(got, tt.want) {
							t.Errorf("%q, want %q", got, tt.want)
						}
					}
				})
				p.asked(1, func() { p.async("a") })
				synctest.Wait()
				p.here.find = nil
				p.is("a", "good")
			})
		})
	}
}

// Kept answers are still used during an outage. B4
func TestKeptThroughOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		p.here.find = func(context.Context, func() (*store.Credential, error)) (*store.Credential, error) {
			return nil, errors.New("connection refused")
		}
		time.Sleep(5*time.Second - 1)
		p.is("a", "good")
		time.Sleep(time.Nanosecond)
		p.is("a", "connection refused")
	})
}

type contextKey struct{}

// The context of a query has the values of the request that began it, for tracing.
func TestQueryKeepsValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.insert("a")
		p.here.find = func(ctx context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) {
			if got := ctx.Value(contextKey{}); got != "trace" {
				t.Errorf("value = %v, want trace", got)
			}
			return ask()
		}
		ctx := context.WithValue(t.Context(), contextKey{}, "trace")
		if _, err := p.Find(ctx, store.KindToken, token("a").Digest); err != nil {
			t.Error(err)
		}
	})
}

// A lookup whose context has ended makes no query, but may return a kept answer.
func TestRequestIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		over := func(id string) string { return state(p.Find(ctx, store.KindToken, token(id).Digest)) }
		p.asked(0, func() {
			if got := over("a"); got != context.Canceled.Error() {
				t.Errorf("not kept: %s, want %v", got, context.Canceled)
			}
		})
		p.is("a", "good")
		p.is("b", "unknown")
		p.asked(0, func() {
			if got := over("a"); got != "good" {
				t.Errorf("kept: %s, want good", got)
			}
			if got := over("b"); got != context.Canceled.Error() {
				t.Errorf("kept as unknown: %s, want %v", got, context.Canceled)
			}
		})
	})
}
