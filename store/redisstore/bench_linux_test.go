package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// BenchmarkFind alternates Find with a GET of the driver for the same number of
// bytes. It reports the ratio of the times as "x-GET" and their difference as
// "us-more".
func BenchmarkFind(b *testing.B) {
	server := services.StartRedis(b)
	client := connect(b, server)
	opened, err := redisstore.Open(b.Context(), "redis://"+server.Addr(), redisstore.Config{Prefix: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	c := credential("ada")
	for !opened.FitsDigest(c.Subject, c.Digest) {
		c.Digest[0]++
	}
	if _, err := opened.Insert(b.Context(), c, store.Limits{}); err != nil {
		b.Fatal(err)
	}
	value := string(make([]byte, 250)) // about the size of a row
	if err := client.Do(b.Context(), client.B().Set().Key("get").Value(value).Build()).Error(); err != nil {
		b.Fatal(err)
	}
	get := func(driver rueidis.Client) func() error {
		return func() error {
			_, err := driver.Do(b.Context(), driver.B().Get().Key("get").Build()).ToString()
			return err
		}
	}
	find := func(st *redisstore.Store) func() error {
		return func() error { _, err := st.Find(b.Context(), c.Kind, c.Digest); return err }
	}
	for name, calls := range map[string][2]func() error{
		"Open": {find(opened), get(client)},
		"New":  {find(openWith(b, redisstore.Config{Client: client, Prefix: "bench"})), get(client)},
	} {
		b.Run(name, func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, call := range calls {
					start := time.Now()
					for range 100 {
						if err := call(); err != nil {
							b.Fatal(err)
						}
					}
					took[i] += time.Since(start)
				}
			}
			b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "x-GET")
			b.ReportMetric(float64((took[0]-took[1]).Nanoseconds())/float64(b.N)/1e5, "us-more")
			allocs := func(call func() error) float64 { return testing.AllocsPerRun(1000, func() { call() }) }
			b.ReportMetric(allocs(calls[0])-allocs(calls[1]), "allocs-more")
		})
	}
}
