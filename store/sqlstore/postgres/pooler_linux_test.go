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

// R12: after a pooler was redirected to a standby, every call is an outage, even on
// existing connections.
func TestPoolerMovesToStandby_R12(t *testing.T) {
	primary := services.StartPostgres(t)
	bouncer := primary.StartPgBouncer(t)
	st := open(t, bouncer.DSN("postgres"))
	c := credential("c")
	insert(t, st, c)
	standby := primary.StartStandby(t)
	if _, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil {
		t.Fatal(err)
	}
	bouncer.Retarget(standby)
	service.Until(t, "the standby refuses", 5*time.Second, func() bool {
		_, err := st.Find(t.Context(), c.Kind, c.Digest)
		return err != nil
	})
	unavailable(t, st, c)
}

// R12 (S6): through PgBouncer in transaction mode everything works except Watch,
// which returns an error.
func TestPgBouncer_R12(t *testing.T) {
	server := services.StartPostgres(t)
	bouncer := server.StartPgBouncer(t)
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		dsn := bouncer.DSN(server.CreateDatabase(mode)[strings.LastIndex(server.DSN(mode), "/")+1 : strings.LastIndex(server.DSN(mode), "?")])
		t.Run(mode, func(t *testing.T) {
			db := pool(t, dsn+"&default_query_exec_mode="+mode)
			st, err := postgres.New(sqlstore.Config{DB: db})
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, next := credential("c"), credential("next")
			insert(t, st, c)
			if err := st.Rotate(t.Context(), c.ID, c.ExpiresAt, next, store.Limits{}); err != nil {
				t.Fatal(err)
			}
			if _, err := st.Revoke(t.Context(), store.Filter{Subject: c.Subject}, time.Now()); err != nil {
				t.Fatal(err)
			}
			if got, err := st.Find(t.Context(), next.Kind, next.Digest); err != nil || got.RevokedAt.IsZero() {
				t.Errorf("Find: %+v, %v, want it revoked", got, err)
			}
			alive := 0
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err = st.Watch(ctx, func() { alive++ }, func(store.Digest) {})
			if alive > 0 || err == nil || !strings.Contains(err.Error(), "pooler") {
				t.Errorf("Watch: alive %d times, %v, want an error that names the pooler", alive, err)
			}
			if err := st.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "pooler") {
				t.Errorf("Check: %v, want an error that names the pooler", err)
			}
		})
	}
}

// R12 (S6): Open recognizes PgBouncer and then uses no prepared statements. With
// connections of the application, the error names the remedy.
func TestPgBouncerWithoutMode_R12(t *testing.T) {
	server := services.StartPostgres(t)
	dsn := server.StartPgBouncer(t).DSN("postgres")
	st := open(t, dsn)
	load := func(st store.Store, name string) error {
		failed := make(chan error, 8)
		for n := range cap(failed) {
			go func() {
				var errs []error
				for i := range 20 {
					c := credential(fmt.Sprint(name, n, " ", i))
					_, insert := st.Insert(context.WithoutCancel(t.Context()), c, store.Limits{Active: 1 + i%2*1000, EndOldest: true})
					_, find := st.Find(context.WithoutCancel(t.Context()), c.Kind, c.Digest)
					errs = append(errs, insert, find)
				}
				failed <- errors.Join(errs...)
			}()
		}
		var errs []error
		for range cap(failed) {
			errs = append(errs, <-failed)
		}
		return errors.Join(errs...)
	}
	if err := load(st, "opened"); err != nil {
		t.Error(err)
	}
	unaware, err := postgres.New(sqlstore.Config{DB: pool(t, dsn)})
	if err != nil {
		t.Fatal(err)
	}
	if err := load(unaware, "unaware"); err == nil || !strings.Contains(err.Error(), "default_query_exec_mode") {
		t.Errorf("prepared statements: %v, want an error that names default_query_exec_mode", err)
	}
}
