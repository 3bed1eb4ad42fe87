package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

// R3 R8: calls that lock several rows lock them in the order of their IDs, so that
// they cannot deadlock.
func TestLockOrder(t *testing.T) {
	d := engine.Database(t)
	later := epoch.AddDate(2, 0, 0)
	for name, call := range map[string]func(ctx context.Context, st *sqlstore.Store) error{
		"Revoke": func(ctx context.Context, st *sqlstore.Store) error {
			_, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, epoch)
			return err
		},
		"Prune": func(ctx context.Context, st *sqlstore.Store) error {
			_, err := st.Prune(ctx, store.PruneBefore{Ended: later})
			return err
		},
		"Erase": func(ctx context.Context, st *sqlstore.Store) error { _, err := st.Erase(ctx, "ada"); return err },
		"Touch": func(ctx context.Context, st *sqlstore.Store) error {
			return st.Touch(ctx, []store.Use{{ID: "c", At: epoch}, {ID: "b", At: epoch}, {ID: "a", At: epoch}})
		},
		"Insert in place of older ones": func(ctx context.Context, st *sqlstore.Store) error {
			_, err := st.Insert(ctx, credential("d"), store.Limits{Active: 1, EndOldest: true})
			return err
		},
	} {
		st := d.Store(t)
		suite.Exec(t, d.DB, `TRUNCATE keystile_credentials`)
		for i, id := range []string{"c", "b", "a"} {
			c := credential(id)
			c.CreatedAt = c.CreatedAt.Add(time.Duration(i) * time.Second)
			insert(t, st, c)
		}
		tx, err := d.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		suite.Exec(t, tx, `SELECT FROM keystile_credentials WHERE id = 'c' FOR UPDATE`)
		done := make(chan error, 1)
		go func() { done <- call(t.Context(), st) }()
		d.Waiting(t)
		for _, id := range []string{"a", "b"} {
			if n := suite.Count(t, d.DB, `SELECT count(*) FROM (SELECT FROM keystile_credentials WHERE id = '`+id+`' FOR UPDATE SKIP LOCKED) x`); n != 0 {
				t.Errorf("%s waits for the last row and has not locked %q", name, id)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// R8: uses, revocations and inserts of the same rows never deadlock.
func TestNoDeadlocks(t *testing.T) {
	d := engine.Database(t)
	st := d.Store(t)
	var uses []store.Use
	for _, id := range []string{"e", "a", "d", "b", "c"} {
		insert(t, st, credential(id))
		uses = append(uses, store.Use{ID: id})
	}
	errs := make(chan error)
	calls := []func(i int) error{
		func(i int) error {
			for j := range uses {
				uses[j].At = epoch.Add(time.Duration(i) * time.Second)
			}
			return st.Touch(t.Context(), uses)
		},
		func(i int) error {
			_, err := st.Revoke(t.Context(), store.Filter{Subject: "ada"}, epoch)
			suite.Exec(t, d.DB, `UPDATE keystile_credentials SET revoked_at = NULL WHERE id = 'a'`)
			return err
		},
		func(i int) error {
			name := time.Now().String()
			_, err := st.Update(t.Context(), "b", store.Changes{Name: &name})
			return err
		},
		func(i int) error {
			_, err := st.Insert(t.Context(), credential(time.Now().String()), store.Limits{Active: 2, EndOldest: true})
			return err
		},
	}
	for _, call := range calls {
		go func() {
			var err error
			for i := 0; i < 50 && err == nil; i++ {
				err = call(i)
			}
			errs <- err
		}()
	}
	for range calls {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
