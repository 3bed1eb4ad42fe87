package cache_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// A way is a Guard in front of a store, with requests that it accepts.
type way struct {
	handler  http.Handler
	requests []*http.Request
	w        *httptest.ResponseRecorder
}

func (w *way) serve(i int) {
	clear(w.w.Header())
	w.handler.ServeHTTP(w.w, w.requests[i%len(w.requests)])
}

// BenchmarkGuard alternates requests on a Cache with the same requests on a Memory,
// and reports the ratio of their times, which depends little on the load of the
// machine.
func BenchmarkGuard(b *testing.B) {
	const turn = 1000
	for _, n := range []int{50, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			memory := store.NewMemory()
			cached, err := cache.New(cache.Config{Store: memory, MaxStale: 10 * time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			defer cached.Close()
			ways := []*way{newWay(b, memory), newWay(b, cached)}
			issuer, err := bearer.New(bearer.Config{Store: memory, Limit: -1, HourlyLimit: -1})
			if err != nil {
				b.Fatal(err)
			}
			for range n {
				plain, _, err := issuer.Issue(context.Background(), bearer.Request{Subject: "ada"})
				if err != nil {
					b.Fatal(err)
				}
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Authorization", "Bearer "+plain.Reveal())
				for _, w := range ways {
					w.requests = append(w.requests, r)
				}
			}
			for i := range 2 * n { // fill
				ways[1].serve(i)
			}
			var took [2]time.Duration
			i := 0
			for b.Loop() {
				for k, w := range ways {
					start := time.Now()
					for j := range turn {
						w.serve(i + j)
					}
					took[k] += time.Since(start)
				}
				i += turn
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "x/memory")
			b.ReportMetric(float64(took[0].Nanoseconds())/float64(i), "ns/memory")
			b.ReportMetric(float64(took[1].Nanoseconds())/float64(i), "ns/cached")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func newWay(b *testing.B, st store.Store) *way {
	tokens, err := bearer.New(bearer.Config{Store: st, LastUsedInterval: -1})
	if err != nil {
		b.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		b.Fatal(err)
	}
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return &way{handler: guard.Require()(next), w: httptest.NewRecorder()}
}

// BenchmarkFind measures a lookup of a kept credential.
func BenchmarkFind(b *testing.B) {
	memory := store.NewMemory()
	cached, err := cache.New(cache.Config{Store: memory, MaxStale: 10 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	defer cached.Close()
	d := store.Digest{1}
	if _, err := memory.Insert(context.Background(), &store.Credential{ID: "1", Kind: store.KindToken, Digest: d}, store.Limits{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := cached.Find(context.Background(), store.KindToken, d); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAccount measures a lookup of an account that is kept, among so many.
func BenchmarkAccount(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := newPeople(b, nil, cache.AccountsConfig{MaxStale: 10 * time.Minute})
			subjects := make([]string, n)
			for i := range subjects {
				subjects[i] = fmt.Sprint("account ", i)
				p.users.set(subjects[i], new(auth.Account))
				if _, err := p.Account(b.Context(), subjects[i]); err != nil {
					b.Fatal(err)
				}
			}
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := p.Account(ctx, subjects[i%n]); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
