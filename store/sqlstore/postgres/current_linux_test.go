package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// bound is the time within which a revocation holds everywhere, without a cache.
const bound = time.Second

// unavailable checks that every call that reads returns an outage.
func unavailable(t *testing.T, st store.Store, c *store.Credential) {
	t.Helper()
	calls := map[string]func(context.Context) error{
		"Find": func(ctx context.Context) error { _, err := st.Find(ctx, c.Kind, c.Digest); return err },
		"Find of an unknown digest": func(ctx context.Context) error {
			_, err := st.Find(ctx, c.Kind, store.Digest{1})
			return err
		},
		"Get":            func(ctx context.Context) error { _, err := st.Get(ctx, c.ID); return err },
		"Get of another": func(ctx context.Context) error { _, err := st.Get(ctx, "unknown"); return err },
		"List": func(ctx context.Context) error {
			_, _, err := st.List(ctx, store.Query{Kind: c.Kind, Subject: c.Subject})
			return err
		},
		"List of active": func(ctx context.Context) error {
			_, _, err := st.List(ctx, store.Query{Kind: c.Kind, Subject: c.Subject, Active: true})
			return err
		},
		"Scan": func(ctx context.Context) (err error) {
			for _, err = range st.(store.Scanner).Scan(ctx, store.ScanFilter{}) {
			}
			return err
		},
		"Revoke": func(ctx context.Context) error {
			_, err := st.Revoke(ctx, store.Filter{ID: c.ID}, time.Now())
			return err
		},
		"Check": func(ctx context.Context) error { return st.(store.Checker).Check(ctx) },
	}
	for name, call := range calls {
		err := call(t.Context())
		if err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want an outage", name, err)
		}
	}
}

// R12 (S8): Open and every call refuse a standby.
func TestStandby_R12(t *testing.T) {
	primary := services.StartPostgres(t)
	st := open(t, primary.DSN("postgres"))
	c := credential("c")
	insert(t, st, c)
	standby := primary.StartStandby(t)
	if st, err := postgres.Open(t.Context(), standby.DSN("postgres")); err == nil {
		st.Close()
		t.Error("Open of a standby: no error")
	}
	onStandby, err := postgres.New(sqlstore.Config{DB: pool(t, standby.DSN("postgres"))})
	if err != nil {
		t.Fatal(err)
	}
	unavailable(t, onStandby, c)
	if err := onStandby.Watch(t.Context(), func() { t.Error("alive") }, func(store.Digest) {}); err == nil {
		t.Error("Watch of a standby: no error")
	}
	if err := onStandby.Check(t.Context()); !strings.Contains(err.Error(), "standby") {
		t.Errorf("Check does not name the cause: %v", err)
	}
}

// R12 (S8): with "primary,standby" in the DSN, a node whose primary is cut off does
// not use the standby, until that has become the primary.
func TestFailover_R12(t *testing.T) {
	primary := services.StartPostgres(t)
	first := open(t, primary.DSN("postgres"))
	c := credential("c")
	insert(t, first, c)
	standby := primary.StartStandby(t)
	standby.PauseReplay()
	if _, err := first.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	host := func(dsn string) string { return dsn[strings.Index(dsn, "@")+1 : strings.LastIndex(dsn, "/")] }
	both := fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable", host(primary.DSN("postgres")), host(standby.DSN("postgres")))
	st := open(t, both)
	w := watch(t, st)
	if got, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil || got.RevokedAt.IsZero() {
		t.Fatalf("Find: %+v, %v, want it revoked", got, err)
	}
	primary.Kill()
	for start := time.Now(); time.Since(start) < bound; {
		if got, err := st.Find(t.Context(), c.Kind, c.Digest); err == nil {
			t.Fatalf("Find at the standby: %+v", got)
		}
	}
	select {
	case <-w.done:
	case <-time.After(5 * time.Second):
		t.Error("Watch goes on without the primary")
	}
	unavailable(t, st, c)
	standby.Promote()
	service.Until(t, "the new primary answers", 10*time.Second, func() bool {
		got, err := st.Find(t.Context(), c.Kind, c.Digest)
		return err == nil && !got.RevokedAt.IsZero()
	})
	watch(t, st).end()
}
