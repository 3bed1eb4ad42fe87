package redisstore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// On a cluster, with what has ended kept for a week.
func ExampleNew() {
	ctx := context.Background()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:      []string{"redis-1.internal:6379", "redis-2.internal:6379"},
		ConnWriteTimeout: 2 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close() // the store does not
	st, err := redisstore.New(ctx, redisstore.Config{
		Client:    client,
		Prefix:    "myapp",
		Timeout:   time.Second,
		Retention: 7 * 24 * time.Hour,
	})
	if err != nil {
		log.Fatal(err) // the server does not answer, or may delete credentials
	}
	_, err = st.Prune(ctx, time.Now().AddDate(0, 0, -3)) // earlier than Retention does
	fmt.Println(err)
}

// Package cache does this; others forget here what they know of a digest.
func ExampleStore_Watch() {
	ctx := context.Background()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"localhost:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	st, err := redisstore.New(ctx, redisstore.Config{Client: client, Prefix: "myapp"})
	if err != nil {
		log.Fatal(err)
	}
	alive := func() {} // what happened half a second ago has been told
	changed := func(d store.Digest) { log.Print("something changed: ", d) }
	log.Print(st.Watch(ctx, alive, changed)) // then begin again, and take all for unknown
}
