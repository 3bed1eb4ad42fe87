package redisstore_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/redisstore"
)

// BenchmarkFind compares Find with the GET of the same value that it is, by
// turns in one run, as what one takes of the other ("x-GET").
func BenchmarkFind(b *testing.B) {
	client := connect(b, services.StartRedis(b))
	st := openWith(b, redisstore.Config{Client: client, Prefix: "bench"})
	c := credential("ada")
	if err := st.Insert(b.Context(), c, 0); err != nil {
		b.Fatal(err)
	}
	key := "{bench}:d:" + string(c.Digest[:])
	find := func() error {
		_, err := st.Find(b.Context(), c.Kind, c.Digest)
		return err
	}
	get := func() error { return client.Do(b.Context(), client.B().Get().Key(key).Build()).Error() }
	var took [2]time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for i, do := range []func() error{find, get} {
			start := time.Now()
			for range 100 {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "x-GET")
	b.ReportMetric(float64(took[0].Microseconds())/float64(b.N)/100, "us/Find")
}
