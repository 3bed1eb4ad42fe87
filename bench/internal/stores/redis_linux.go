package stores

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

func openRedis(ctx context.Context, tb testing.TB) (*engine, error) {
	server := services.StartRedis(tb)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}})
	if err != nil {
		return nil, err
	}
	tb.Cleanup(client.Close)
	st, err := redisstore.Open(ctx, "redis://"+server.Addr(), redisstore.Config{Prefix: "bench"})
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { st.Close() })
	// placed returns a numbered credential that fits the partition of its account,
	// as package bearer issues them.
	placed := func(i int, now time.Time) *store.Credential {
		c := numbered(i, now)
		for !st.FitsDigest(c.Subject, c.Digest) {
			c.Digest[0]++
		}
		for n := 0; !st.FitsID(c.Subject, c.ID); n++ {
			c.ID = fmt.Sprintf("%04d%016d", n, i)
		}
		c.Family = c.ID
		return c
	}
	keys := map[store.Digest]string{} // of the rows, for the driver
	used := func(ctx context.Context) (float64, error) {
		info, err := client.Do(ctx, client.B().Info().Section("memory").Build()).ToString()
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(info, "used_memory_dataset:") // without what the server takes for itself
		value, _, _ := strings.Cut(rest, "\r\n")
		return strconv.ParseFloat(value, 64)
	}
	empty, err := used(ctx)
	return &engine{name: "Redis", store: st, digest: func(i int) store.Digest { return placed(i, time.Time{}).Digest },
		bare: func(ctx context.Context, d store.Digest) error {
			_, err := client.Do(ctx, client.B().Get().Key(keys[d]).Build()).ToString()
			return err
		},
		fill: func(ctx context.Context, from, to int) error {
			var next atomic.Int64
			next.Store(int64(from))
			now := time.Now()
			var wait sync.WaitGroup
			errs := make(chan error, 128)
			for range cap(errs) { // the client sends what is asked at once together
				wait.Go(func() {
					for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
						if _, err := st.Insert(ctx, placed(i, now), store.Limits{}); err != nil {
							errs <- err
							return
						}
					}
				})
			}
			wait.Wait()
			close(errs)
			if err := <-errs; err != nil { // nil: closed and empty
				return err
			}
			return eachKey(ctx, client, func(key string) {
				if _, digest, ok := strings.Cut(key, "}:d:"); ok && len(digest) == len(store.Digest{}) {
					keys[store.Digest([]byte(digest))] = key
				}
			})
		},
		bytes: func(ctx context.Context) (float64, error) {
			n, err := used(ctx)
			return n - empty, err
		},
	}, err
}

func eachKey(ctx context.Context, client rueidis.Client, f func(key string)) error {
	for cursor := uint64(0); ; {
		page, err := client.Do(ctx, client.B().Scan().Cursor(cursor).Count(1000).Build()).AsScanEntry()
		if err != nil {
			return err
		}
		for _, key := range page.Elements {
			f(key)
		}
		if cursor = page.Cursor; cursor == 0 {
			return nil
		}
	}
}
