// Package stores measures stores: their Find beside the driver's own call, the
// cache in front of them, and what they cost as they grow.
package stores

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
	"github.com/keystile/keystile/store"
)

// numbered returns a credential of its own for each number, as bearer issues
// them: 20 characters of ID, which is its family's too.
func numbered(i int, now time.Time) *store.Credential {
	id := id(i)
	return &store.Credential{
		ID: id, Kind: store.KindToken, Digest: digest(i), Subject: fmt.Sprint("account-", i/10), Name: "ci", Hint: "pat_…" + id[len(id)-4:],
		Scopes: []string{"*"}, Family: id, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
}

func id(i int) string           { return fmt.Sprintf("%020d", i) }
func digest(i int) store.Digest { return sha256.Sum256([]byte(id(i))) }

// asked returns digests of some of n credentials, in random order: so many that
// no cache of the processor holds the rows.
func asked(n int, digest func(i int) store.Digest) []store.Digest {
	digests := make([]store.Digest, min(n, 200_000))
	for i := range digests {
		digests[i] = digest(rand.IntN(n))
	}
	return digests
}

// finder returns a client that asks st for those digests. A context of a request
// can be cancelled, and so can its.
func finder(ctx context.Context, st store.Finder, digests []store.Digest) turns.Func {
	i := 0
	return func(n int) {
		for range n {
			if _, err := st.Find(ctx, store.KindToken, digests[i%len(digests)]); err != nil {
				panic(err)
			}
			i++
		}
	}
}

// Memory grows a store.Memory through sizes.
func Memory(p turns.Plan, sizes []int) ([]report.Growth, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var grown []report.Growth
	before := heap()
	m := store.NewMemory()
	n := 0
	for _, size := range sizes {
		now := time.Now()
		for ; n < size; n++ {
			if _, err := m.Insert(ctx, numbered(n, now), store.Limits{}); err != nil {
				return nil, err
			}
		}
		g := report.Growth{Store: "Memory", Size: size, Bytes: float64(heap()-before) / float64(size)}
		for range 5 {
			start := time.Now()
			runtime.GC()
			ms := float64(time.Since(start).Microseconds()) / 1000
			if g.Collection == 0 || ms < g.Collection {
				g.Collection = ms
			}
		}
		find := finder(ctx, m, asked(size, digest))
		g.Ns = turns.Compare(p, turns.Thread, find, find).Ns
		grown = append(grown, g)
	}
	runtime.KeepAlive(m)
	return grown, nil
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
