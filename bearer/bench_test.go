package bearer_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// The floor is what a careful engineer writes by hand for one kind of token:
// parse the header, digest, look up a map under a lock, check the expiry, put
// the identity into the context, call the handler. It has no scopes, no
// accounts, no checksum, no Cache-Control and no challenges.
type floor struct {
	mu     sync.RWMutex
	tokens map[[32]byte]*floorToken
	next   http.Handler
}

type floorToken struct {
	subject string
	expires time.Time
}

type floorKey struct{}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	digest := sha256.Sum256([]byte(token))
	f.mu.RLock()
	t := f.tokens[digest]
	f.mu.RUnlock()
	if t == nil || !time.Now().Before(t.expires) {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	f.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), floorKey{}, t)))
}

// discard is a ResponseWriter that costs next to nothing. Its headers stay from
// one request to the next: to empty them would be measured, too.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header               { return d.h }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }
func (d *discard) WriteHeader(int)                   {}

// bench is one way through, and the requests to send it.
type bench struct {
	name     string
	handler  http.Handler
	requests []*http.Request
}

func (b *bench) serve(w *discard, i int) {
	b.handler.ServeHTTP(w, b.requests[i%len(b.requests)])
}

// used is how many of the tokens are used, over and over, as clients use theirs.
// More of them would measure the memory of this benchmark's requests, of which
// a server has few at a time. BenchmarkGrowth asks for every token.
const used = 50

// ways returns the floor and what keystile does, with n tokens each.
func ways(tb testing.TB, n int) []*bench {
	ctx := context.Background()
	// Either handler looks who is calling, as handlers do.
	hello := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); !ok || id.Subject == "" {
			tb.Error("the handler does not know who is calling")
		}
	})
	floorHello := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if token, ok := r.Context().Value(floorKey{}).(*floorToken); !ok || token.subject == "" {
			tb.Error("the handler does not know who is calling")
		}
	})
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory(), Limit: -1, HourlyLimit: -1, LastUsedInterval: -1})
	if err != nil {
		tb.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		tb.Fatal(err)
	}
	f := &floor{tokens: make(map[[32]byte]*floorToken), next: floorHello}
	var good []*http.Request
	for i := range n {
		plain, cred, err := tokens.Issue(ctx, bearer.Request{Subject: fmt.Sprint("account-", i%1000)})
		if err != nil {
			tb.Fatal(err)
		}
		f.tokens[sha256.Sum256([]byte(plain.Reveal()))] = &floorToken{cred.Subject, cred.ExpiresAt}
		if i%(n/used) == 0 {
			good = append(good, request("Bearer "+plain.Reveal()))
		}
	}
	unknown, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		tb.Fatal(err)
	}
	foreign, _, err := unknown.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		tb.Fatal(err)
	}
	bad := []byte(foreign.Reveal())
	bad[len(bad)-1] = "10"[bad[len(bad)-1]&1] // another digit
	require := guard.Require()(hello)
	return []*bench{
		{"floor", f, good},
		{"guard", require, good},
		{"guard-without-context", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := guard.Authenticate(r); err != nil {
				tb.Fatal(err)
			}
		}), good},
		{"refuse/no-header", require, []*http.Request{request("")}},
		{"refuse/malformed", require, []*http.Request{request("Bearer a,b")}},
		{"refuse/bad-checksum", require, []*http.Request{request("Bearer " + string(bad))}},
		{"refuse/unknown", require, []*http.Request{request("Bearer " + foreign.Reveal())}},
	}
}

func request(authorization string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

// BenchmarkGuard measures each way by itself.
func BenchmarkGuard(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for _, way := range ways(b, n) {
				b.Run(way.name, func(b *testing.B) {
					b.ReportAllocs()
					w := &discard{make(http.Header)}
					i := 0
					for b.Loop() {
						way.serve(w, i)
						i++
					}
				})
				b.Run(way.name+"/parallel", func(b *testing.B) {
					b.RunParallel(func(pb *testing.PB) {
						w := &discard{make(http.Header)}
						for i := 0; pb.Next(); i++ {
							way.serve(w, i)
						}
					})
				})
			}
		})
	}
}

// BenchmarkRatio measures each way by turns with the floor, and reports how
// many times the floor's time it takes: a figure that a busy machine changes
// little.
func BenchmarkRatio(b *testing.B) {
	const turn = 1000
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := ways(b, n)
			for _, way := range all[1:] {
				b.Run(way.name, func(b *testing.B) {
					w := &discard{make(http.Header)}
					var took [2]time.Duration
					i := 0
					for b.Loop() {
						for k, way := range []*bench{all[0], way} {
							start := time.Now()
							for j := range turn {
								way.serve(w, i+j)
							}
							took[k] += time.Since(start)
						}
						i += turn
					}
					b.ReportMetric(float64(took[1])/float64(took[0]), "x/floor")
				})
			}
		})
	}
}

// BenchmarkGrowth shows what verifying a token costs as the store grows: by
// turns with a thousand tokens and with a million, each asked for in random
// order, so that at a million nothing is in the processor's caches.
func BenchmarkGrowth(b *testing.B) {
	const turn = 10_000
	sizes := []int{1_000, 1_000_000}
	var tokens [2]*bearer.Tokens
	var plain [2][]string
	for k, n := range sizes {
		var err error
		if tokens[k], err = bearer.New(bearer.Config{Store: store.NewMemory(), Limit: -1, HourlyLimit: -1, LastUsedInterval: -1}); err != nil {
			b.Fatal(err)
		}
		for i := range n {
			p, _, err := tokens[k].Issue(b.Context(), bearer.Request{Subject: fmt.Sprint("account-", i%1000)})
			if err != nil {
				b.Fatal(err)
			}
			plain[k] = append(plain[k], p.Reveal())
		}
		rand.Shuffle(n, func(i, j int) { plain[k][i], plain[k][j] = plain[k][j], plain[k][i] })
		for i := range plain[k] {
			plain[k][i] = strings.Clone(plain[k][i]) // side by side: what a server verifies it has just received
		}
	}
	ctx := b.Context()
	var took [2]time.Duration
	i := 0
	for b.Loop() {
		for k := range sizes {
			start := time.Now()
			for j := range turn {
				if _, err := tokens[k].Verify(ctx, plain[k][(i+j)%sizes[k]], netip.Addr{}); err != nil {
					b.Fatal(err)
				}
			}
			took[k] += time.Since(start)
		}
		i += turn
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "x/1000")
}
