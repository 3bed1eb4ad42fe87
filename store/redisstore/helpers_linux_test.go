package redisstore_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// connect returns a client that is closed at the end of the test.
func connect(tb testing.TB, server *services.Redis) rueidis.Client {
	tb.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return client
}

// open returns an empty store.
func open(tb testing.TB, client rueidis.Client) *redisstore.Store {
	tb.Helper()
	return openWith(tb, redisstore.Config{Client: client, Prefix: rand.Text()})
}

func openWith(tb testing.TB, cfg redisstore.Config) *redisstore.Store {
	tb.Helper()
	st, err := redisstore.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return st
}

// credential returns a token of the account, valid for a day.
func credential(subject string) *store.Credential {
	now := time.Now().UTC().Truncate(time.Microsecond)
	c := &store.Credential{
		ID:        rand.Text(),
		Kind:      store.KindToken,
		Subject:   subject,
		Scopes:    []string{"*"},
		CreatedAt: now,
		ExpiresAt: now.Add(24 * time.Hour),
	}
	c.Family = c.ID
	rand.Read(c.Digest[:])
	return c
}

// eventually waits until a condition holds, and fails the test if it does not in
// time.
func eventually(tb testing.TB, within time.Duration, what string, condition func() bool) {
	tb.Helper()
	for end := time.Now().Add(within); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within %v: %s", within, what)
		}
	}
}
