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

// The answer that a credential does not exist is kept only while a Watch would report
// a new one, and for at most ten seconds. B5
func TestUnknownIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.asked(1, func() { p.is("a", "unknown") })
		time.Sleep(10*time.Second - 1)
		p.asked(0, func() { p.is("a", "unknown") })
		time.Sleep(time.Nanosecond)
		p.asked(1, func() { p.is("a", "unknown") })
		p.asked(1, func() {
			if got := state(p.Find(t.Context(), store.KindSecret, token("a").Digest)); got != "unknown" {
				t.Error(got)
			}
		})
		p.asked(2, func() { p.is("a", "unknown"); p.is("b", "unknown") })
		p.lose()
		p.asked(2, func() { p.is("a", "unknown"); p.is("a", "unknown") })
	})
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.asked(3, func() { p.is("a", "unknown"); p.is("a", "unknown"); p.is("a", "unknown") })
	})
}

// A kept answer that a credential does not exist never hides one that was added
// since. B5
func TestUnknownNeverHides(t *testing.T) {
	ctx := context.Background()
	news := func() { time.Sleep(10 * time.Millisecond); synctest.Wait() }
	tests := []struct {
		name string
		add  func(p *pair)
	}{
		{"inserted here", func(p *pair) { p.must(add(ctx, p.Cache, token("a"))) }},
		{"inserted there", func(p *pair) { p.must(add(ctx, p.there, token("a"))); news() }},
		{"rotated here", func(p *pair) { p.must(p.Rotate(ctx, "old", time.Now(), after(token("old"), "a"), store.Limits{})) }},
		{"rotated there", func(p *pair) {
			p.must(p.there.Rotate(ctx, "old", time.Now(), after(token("old"), "a"), store.Limits{}))
			news()
		}},
		{"inserted, and the answer was lost", func(p *pair) {
			p.here.written = func() error { return errors.New("connection reset") }
			if _, err := p.Insert(ctx, token("a"), store.Limits{}); err == nil {
				p.t.Error("no error")
			}
		}},
		{"inserted unheard, and lost", func(p *pair) { p.line.mute(true); p.must(add(ctx, p.there, token("a"))); p.lose() }},
		{"inserted unheard, and heard again", func(p *pair) {
			p.line.lost <- errors.New("connection reset")
			p.must(add(ctx, p.there, token("a")))
			time.Sleep(time.Second)
		}},
	}
	for _, tt := range tests {
		for _, waiting := range []bool{false, true} {
			name := tt.name
			if waiting {
				name += ", while it is asked for"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPair(t, true, cache.Config{})
					p.insert("old")
					answer := p.hold()
					first := p.async("a")
					if !waiting {
						close(answer)
						<-first
						p.asked(0, func() { p.is("a", "unknown") })
					}
					tt.add(p)
					second := p.async("a")
					if waiting {
						close(answer)
						<-first
					}
					if got := <-second; got != "good" {
						t.Errorf("%s, want good", got)
					}
				})
			})
		}
	}
}

// Without a Watch, a lookup that waited for the query of another one asks again if
// the answer was that there is no credential, because it may have been added in
// between. Such lookups share a query, too. B3 B5
func TestUnknownAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, false, cache.Config{})
		p.here.find = func(_ context.Context, ask func() (*store.Credential, error)) (*store.Credential, error) {
			c, err := ask()
			time.Sleep(2 * time.Second)
			return c, err
		}
		p.asked(2, func() {
			first := p.async("a")
			time.Sleep(time.Second)
			p.must(add(t.Context(), p.there, token("a")))
			var later []<-chan string
			for range 10 {
				later = append(later, p.async("a"))
			}
			if got := <-first; got != "unknown" {
				t.Errorf("lookup before: %s, want unknown", got)
			}
			for _, out := range later {
				if got := <-out; got != "good" {
					t.Errorf("lookup after: %s, want good", got)
				}
			}
		})
		p.asked(2, func() { // the second query finds none, either
			first := p.async("b")
			time.Sleep(time.Second)
			second, third := p.async("b"), p.async("b")
			for _, out := range []<-chan string{first, second, third} {
				if got := <-out; got != "unknown" {
					t.Errorf("%s, want unknown", got)
				}
			}
		})
	})
}
