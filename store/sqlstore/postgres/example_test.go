package postgres_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

func Example() {
	ctx := context.Background()
	st, err := postgres.Open(ctx, "postgres://service@db.internal/service")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	// Once a day, from your application's own scheduler.
	now := time.Now()
	if _, err := st.Prune(ctx, store.PruneBefore{Ended: now.AddDate(0, 0, -1), Rotated: now.AddDate(0, 0, -30)}); err != nil {
		log.Print(err)
	}
	http.ListenAndServe("localhost:8080", guard.Require()(http.NotFoundHandler()))
}
