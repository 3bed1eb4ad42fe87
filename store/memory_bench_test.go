package store_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// BenchmarkMemoryFind measures one lookup as the store grows. The lookups are spread
// over all digests, so that in a store of a million rows each one misses the
// processor's caches.
func BenchmarkMemoryFind(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		m, digests := filled(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := m.Find(context.Background(), store.KindToken, digests[i%len(digests)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
		b.Run(fmt.Sprint(n, "/parallel"), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				i := rand.IntN(len(digests))
				for pb.Next() {
					if _, err := m.Find(context.Background(), store.KindToken, digests[i%len(digests)]); err != nil {
						b.Fatal(err)
					}
					i++
				}
			})
		})
	}
}

// filled returns a store of n credentials and their digests in random order.
func filled(tb testing.TB, n int) (*store.Memory, []store.Digest) {
	m := store.NewMemory()
	digests := make([]store.Digest, n)
	now := time.Now()
	for i := range digests {
		id := fmt.Sprintf("%020d", i)
		digests[i] = sha256.Sum256([]byte(id))
		c := &store.Credential{
			ID: id, Kind: store.KindToken, Digest: digests[i], Subject: fmt.Sprint("account-", i/10), Name: "ci",
			Scopes: []string{"*"}, Family: id, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
		}
		if _, err := m.Insert(context.Background(), c, store.Limits{}); err != nil {
			tb.Fatal(err)
		}
	}
	rand.Shuffle(n, func(i, j int) { digests[i], digests[j] = digests[j], digests[i] })
	return m, digests
}
