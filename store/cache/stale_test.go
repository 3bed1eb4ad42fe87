package cache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// How long a credential that was revoked elsewhere is still accepted, to the
// nanosecond, for each way to miss the notification. R1
func TestHowLongRevokedLivesOn(t *testing.T) {
	const never = -1
	tests := []struct {
		name     string
		watched  bool
		maxStale time.Duration
		lose     func(*pair) // just before the revocation
		want     time.Duration
	}{
		{"nobody tells", false, 0, nil, 5 * time.Second},
		{"nobody tells, MaxStale 1s", false, time.Second, nil, time.Second},
		{"nobody tells, MaxStale 10m", false, 10 * time.Minute, nil, 10 * time.Minute},
		{"nobody tells, no MaxStale", false, never, nil, 0},
		{"told", true, 0, nil, 10 * time.Millisecond},
		{"told, no MaxStale", true, never, nil, 10 * time.Millisecond},
		{"no news", true, 0, func(p *pair) { p.line.mute(true) }, 5 * time.Second},
		{"no news, MaxStale 1s", true, time.Second, func(p *pair) { p.line.mute(true) }, 1500 * time.Millisecond},
		{"no news, no MaxStale", true, never, func(p *pair) { p.line.mute(true) }, 1500 * time.Millisecond},
		{"lost", true, 0, (*pair).lose, 5 * time.Second},
		{"lost, MaxStale 1s", true, time.Second, (*pair).lose, time.Second},
		{"lost, no MaxStale", true, never, (*pair).lose, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, tt.watched, cache.Config{MaxStale: tt.maxStale})
				p.insert("a", "b")
				time.Sleep(10 * time.Second) // alive has just been called once more
				synctest.Wait()
				p.is("a", "good")
				p.is("b", "good")
				if tt.lose != nil {
					tt.lose(p)
				}
				p.revoke(p.there, "a")
				if tt.want > 0 {
					time.Sleep(tt.want - 1)
					p.is("a", "good")
					p.asked(0, func() { p.is("b", "good") })
					time.Sleep(time.Nanosecond)
					synctest.Wait()
				}
				p.is("a", "revoked")
			})
		})
	}
}

// lose ends the Watch and makes each new one fail.
func (p *pair) lose() {
	p.line.mu.Lock()
	p.line.refuse = func() error { return errors.New("connection refused") }
	p.line.mu.Unlock()
	p.line.lost <- errors.New("connection reset")
	synctest.Wait()
}

// A script is a Watcher whose Watch is a function of the test.
type script struct {
	*machine
	watch func(ctx context.Context, alive func(), changed func(store.Digest)) error
}

func (s script) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return s.watch(ctx, alive, changed)
}

// scripted returns a pair whose Cache uses this Watch.
func scripted(t *testing.T, watch func(ctx context.Context, alive func(), changed func(store.Digest)) error) *pair {
	p := newPair(t, false, cache.Config{})
	p.Cache = newCache(t, cache.Config{Store: script{p.here, watch}, MaxStale: -1})
	synctest.Wait()
	return p
}

// The worst case is the documented bound. A call of alive covers all but the last
// half second. A credential is revoked in that time, and no notification comes. In
// addition, this process pauses before the call of alive is processed. R1
func TestWorstCase(t *testing.T) {
	tests := []struct {
		name  string
		pause time.Duration
		want  time.Duration // how long the credential is still accepted
	}{
		{"noted at once", 0, 2500*time.Millisecond - 2},
		{"noted late", 1400 * time.Millisecond, 2500*time.Millisecond - 2},
		{"noted too late", time.Hour, 2*time.Second - 1}, // so the previous call counts
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const given = 10 * time.Second // the last call of alive; the previous one came just before
				p := scripted(t, func(ctx context.Context, alive func(), _ func(store.Digest)) error {
					for range 19 { // at 0 to 9 seconds
						alive()
						time.Sleep(500 * time.Millisecond)
					}
					alive() // at 9.5
					time.Sleep(500*time.Millisecond - 1)
					alive()
					time.Sleep(1 + tt.pause)
					alive()
					<-ctx.Done()
					return ctx.Err()
				})
				p.insert("a")
				time.Sleep(given - time.Second)
				p.is("a", "good")
				time.Sleep(500*time.Millisecond + 1)
				p.revoke(p.there, "a")
				time.Sleep(tt.want - 1)
				synctest.Wait()
				p.asked(0, func() { p.is("a", "good") })
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				p.is("a", "revoked")
			})
		})
	}
}

// When a Watch begins, answers to all earlier queries are dropped, because changes
// before the Watch were not reported. R2
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("a", "b")
		p.is("a", "good")
		answer := p.hold()
		slow := p.async("b")
		p.line.lost <- errors.New("connection reset")
		p.revoke(p.there, "a")
		p.revoke(p.there, "b")
		p.is("a", "good") // accepted within MaxStale
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		p.here.find = nil
		p.is("a", "revoked")
		close(answer)
		<-slow
		p.is("b", "revoked")
	})
}

// No answer is kept for more than ten minutes, even while a Watch reports changes.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("a")
		p.is("a", "good")
		time.Sleep(10*time.Minute - 1)
		p.asked(0, func() { p.is("a", "good") })
		time.Sleep(time.Nanosecond)
		p.asked(1, func() { p.is("a", "good") })
	})
}

// A Watch that fails is repeated within a second, with growing pauses, and WatchError
// is called each time. B2
func TestWatchFails(t *testing.T) {
	tests := map[string]func() error{
		"error": func() error { return errors.New("connection refused") },
		"panic": func() error { panic("a bug") },
	}
	for name, refuse := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &machine{Memory: store.NewMemory()}
				l := newLine()
				l.refuse = refuse
				var heard []error
				c := newCache(t, cache.Config{Store: watched{m, l}, WatchError: func(err error) { heard = append(heard, err) }})
				time.Sleep(99 * time.Millisecond)
				synctest.Wait()
				if n := l.begun(); n != 1 {
					t.Errorf("%d tries in 99 ms, want 1", n)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				// At 0, 100, 300, 700 and 1500 ms, then every second.
				if n := l.begun(); n != 13 || len(heard) != n {
					t.Errorf("%d tries in 10 s, %d errors reported, want 13", n, len(heard))
				}
				c.Close()
				if len(heard) != 13 {
					t.Error("WatchError was called for Close")
				}
				for _, err := range heard {
					if err == nil {
						t.Error("WatchError was called without an error")
					}
				}
			})
		})
	}
}

// A Watch that worked for a while is repeated after the shortest pause.
func TestWatchAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		for range 5 {
			time.Sleep(1100 * time.Millisecond)
			before := p.line.begun()
			p.line.lost <- errors.New("connection reset")
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if n := p.line.begun() - before; n != 1 {
				t.Errorf("%d tries in 100 ms, want 1", n)
			}
		}
	})
}
