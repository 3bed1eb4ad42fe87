package scaling

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// perEntry is what the document says that the cache takes for each credential.
const perEntry = 700

// everything is a store that has a row for every digest, and keeps none.
type everything struct{}

func (everything) Find(_ context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	now := time.Now()
	id := fmt.Sprintf("%x", d[:10])
	return &store.Credential{
		ID: id, Kind: k, Digest: d, Subject: "account-" + id[:8], Name: "ci",
		Scopes: []string{"*"}, Family: id, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}, nil
}

// A cache does not grow with the credentials in use, but with its Entries.
func TestMemory(t *testing.T) {
	const entries = 20_000
	before := heap()
	c, err := cache.New(cache.Config{Store: store.FindOnly(everything{}), Entries: entries, MaxStale: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	flood := func(from, to int) float64 {
		for i := from; i < to; i++ {
			if _, err := c.Find(t.Context(), store.KindToken, sha256.Sum256(fmt.Append(nil, i))); err != nil {
				t.Fatal(err)
			}
		}
		return float64(heap()-before) / entries
	}
	full := flood(0, entries)
	flooded := flood(entries, 4*entries)
	t.Logf("%.0f bytes for each entry when full, %.0f when four times as many were in use", full, flooded)
	for _, got := range []float64{full, flooded} {
		if got > 1.25*perEntry || got < 0.75*perEntry {
			t.Errorf("%.0f bytes for each entry, the document has %d", got, perEntry)
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
