package redisstore_test

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// Connect to the primary that sentinels name, with a client certificate. Each change
// waits for two replicas.
func ExampleOpen() {
	certificate, err := tls.LoadX509KeyPair("client.crt", "client.key")
	if err != nil {
		log.Fatal(err)
	}
	st, err := redisstore.Open(context.Background(),
		"rediss://myapp:secret@sentinel-1.internal:26379?addr=sentinel-2.internal:26379&master_set=mymaster",
		redisstore.Config{
			Prefix:   "myapp",
			Timeout:  time.Second,
			Replicas: 2,
			Options: func(o *rueidis.ClientOption) {
				o.TLSConfig.Certificates = []tls.Certificate{certificate}
			},
		})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// Use a client that your application shares with other code.
func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:      []string{"redis-1.internal:6379", "redis-2.internal:6379"},
		ConnWriteTimeout: 750 * time.Millisecond,
		Dialer:           net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 125 * time.Millisecond},
		DisableRetry:     true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close() // the store does not close it
	st, err := redisstore.New(context.Background(), redisstore.Config{Client: client, Prefix: "myapp"})
	if err != nil {
		log.Fatal(err)
	}
	if err := st.Check(context.Background()); err != nil {
		log.Print(err) // names the problems and their remedies
	}
}

// Package cache does this. Use Watch in a cache of your own, to drop outdated
// entries.
func ExampleStore_Watch() {
	ctx := context.Background()
	st, err := redisstore.Open(ctx, "redis://localhost:6379", redisstore.Config{Prefix: "myapp"})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	alive := func() {} // changes older than half a second were reported
	changed := func(d store.Digest) { log.Print("something changed: ", d) }
	log.Print(st.Watch(ctx, alive, changed)) // then drop all entries and call Watch again
}
