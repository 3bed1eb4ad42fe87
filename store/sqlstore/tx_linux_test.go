package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const accounts = `CREATE TABLE accounts (name TEXT PRIMARY KEY)`

func begin(t testing.TB, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

// T3 R10: the host's row and the token appear together, and not before, or not
// at all.
func TestTxTogether(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		st := d.migrated(t)
		exec(t, d.db, accounts)
		for _, commit := range []bool{false, true} {
			tx := begin(t, d.db)
			exec(t, tx, `INSERT INTO accounts VALUES ('ada')`)
			tokens, err := bearer.New(bearer.Config{Store: st.Tx(tx)})
			if err != nil {
				t.Fatal(err)
			}
			_, c, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			if list, err := tokens.List(t.Context(), "ada"); err != nil || len(list) != 1 {
				t.Errorf("within: %v, %v, want the token", list, err)
			}
			if got, err := st.Tx(tx).Find(t.Context(), c.Kind, c.Digest); err != nil || got.ID != c.ID {
				t.Errorf("within: Find = %v, %v", got, err)
			}
			if _, err := st.Get(t.Context(), c.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("before the end: %v, want %v", err, store.ErrNotFound)
			}
			end, want := tx.Rollback, 0
			if commit {
				end, want = tx.Commit, 1
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			list, err := st.List(t.Context(), store.Filter{Subject: "ada"})
			if n := count(t, d.db, `SELECT count(*) FROM accounts`); n != want || len(list) != want || err != nil {
				t.Errorf("commit %t: %d accounts and %d tokens, %v, want %d each", commit, n, len(list), err, want)
			}
			// The transaction is over: nobody can tell.
			for name, call := range calls(st.Tx(tx)) {
				if err := call(t.Context()); !errors.Is(err, sql.ErrTxDone) {
					t.Errorf("%s afterwards: %v, want %v", name, err, sql.ErrTxDone)
				}
			}
		}
	})
}

// R3 R6 R10: an answer that is no outage leaves the host's transaction as it was,
// and of use.
func TestTxRefusals(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		exec(t, d.db, accounts)
		whole := d.migrated(t)
		old, taken := credential("old"), credential("taken")
		insert(t, whole, old, taken)
		tx := begin(t, d.db)
		st := whole.Tx(tx)
		ctx := t.Context()
		same := credential("other")
		same.Digest = taken.Digest
		refused := func(what string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
			exec(t, tx, fmt.Sprintf(`INSERT INTO accounts VALUES ('%s')`, what))
		}
		refused("taken ID", st.Insert(ctx, taken, 0), store.ErrExists)
		refused("taken digest", st.Insert(ctx, same, 0), store.ErrExists)
		refused("limit", st.Insert(ctx, credential("third"), 2), store.ErrLimit)
		_, err := st.Get(ctx, "nobody")
		refused("get", err, store.ErrNotFound)
		_, err = st.Find(ctx, store.KindSecret, old.Digest)
		refused("find", err, store.ErrNotFound)
		_, err = st.List(ctx, store.Filter{Subject: "ada", Before: "nobody"})
		refused("list", err, store.ErrNotFound)
		refused("touch", st.Touch(ctx, "nobody", epoch), store.ErrNotFound)
		refused("rotate nobody", st.Rotate(ctx, "nobody", epoch, credential("next")), store.ErrNotFound)
		refused("rotate to taken", st.Rotate(ctx, old.ID, epoch, same), store.ErrExists)
		if got, err := st.Get(ctx, old.ID); err != nil || !got.RotatedAt.IsZero() {
			t.Errorf("after a rotation that was refused: %+v, %v", got, err)
		}
		if err := st.Rotate(ctx, old.ID, epoch.AddDate(0, 0, 1), credential("next")); err != nil {
			t.Error(err)
		}
		refused("rotate again", st.Rotate(ctx, old.ID, epoch, credential("another")), store.ErrConflict)
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d.db, `SELECT count(*) FROM accounts`); n != 10 {
			t.Errorf("%d rows of the host, want 10", n)
		}
		if n := count(t, d.db, `SELECT count(*) FROM keystile_credentials`); n != 3 {
			t.Errorf("%d credentials, want 3", n)
		}
	})
}

// R10: exact, however many transactions of hosts run at once.
func TestTxLimit(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		const limit, hosts = 5, 30
		st := d.migrated(t)
		exec(t, d.db, accounts)
		var group sync.WaitGroup
		var issued, refused atomic.Int64
		for i := range hosts {
			group.Go(func() {
				tx, err := d.db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer tx.Rollback()
				_, err = tx.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO accounts VALUES ('%d')`, i))
				if err == nil {
					err = st.Tx(tx).Insert(t.Context(), credential(fmt.Sprint(i)), limit)
				}
				switch {
				case errors.Is(err, store.ErrLimit):
					refused.Add(1)
				case err != nil:
					t.Error(err)
				case tx.Commit() == nil:
					issued.Add(1)
				}
			})
		}
		group.Wait()
		if issued.Load() != limit || refused.Load() != hosts-limit {
			t.Errorf("%d issued, %d refused, want %d and %d", issued.Load(), refused.Load(), limit, hosts-limit)
		}
		for _, table := range []string{"accounts", "keystile_credentials"} {
			if n := count(t, d.db, `SELECT count(*) FROM `+table); n != limit {
				t.Errorf("%d rows in %s, want %d", n, table, limit)
			}
		}
	})
}

// R3: whoever revokes all while a rotation is under way revokes its successor,
// too.
func TestTxRevokeWaitsForRotation(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		st := d.migrated(t)
		for name, f := range map[string]store.Filter{"subject": {Subject: "by subject"}, "family": {Family: "family"}, "parent": {Parent: "parent"}} {
			t.Run(name, func(t *testing.T) {
				old, next := credential(name), credential(name+" again")
				for _, c := range []*store.Credential{old, next} {
					c.Subject, c.Family, c.Parent = "by "+name, name, name
				}
				insert(t, st, old)
				tx := begin(t, d.db)
				if err := st.Tx(tx).Rotate(t.Context(), old.ID, epoch.AddDate(0, 0, 1), next); err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() {
					_, err := st.Revoke(context.WithoutCancel(t.Context()), f, epoch)
					done <- err
				}()
				waiting(t, d)
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				for _, c := range []*store.Credential{old, next} {
					if got, err := st.Get(t.Context(), c.ID); err != nil || got.RevokedAt.IsZero() {
						t.Errorf("%q: %+v, %v, want it revoked", c.ID, got, err)
					}
				}
			})
		}
	})
}

// Whoever locks several rows does so in the order of their IDs, wherever they
// are, so that nobody waits for somebody who waits for them.
func TestLockOrder(t *testing.T) {
	d := newPostgres(t)
	for name, call := range map[string]func(st *sqlstore.Store) error{
		"Revoke": func(st *sqlstore.Store) error {
			_, err := st.Revoke(t.Context(), store.Filter{Subject: "ada"}, epoch)
			return err
		},
		"Prune": func(st *sqlstore.Store) error { _, err := st.Prune(t.Context(), epoch.AddDate(2, 0, 0)); return err },
	} {
		st := d.migrated(t)
		exec(t, d.db, `TRUNCATE keystile_credentials`)
		insert(t, st, credential("c"), credential("b"), credential("a"))
		tx := begin(t, d.db)
		exec(t, tx, `SELECT FROM keystile_credentials WHERE id = 'c' FOR UPDATE`)
		done := make(chan error, 1)
		go func() { done <- call(st) }()
		waiting(t, d)
		for _, id := range []string{"a", "b"} {
			if n := count(t, d.db, `SELECT count(*) FROM (SELECT FROM keystile_credentials WHERE id = '`+id+`' FOR UPDATE SKIP LOCKED) x`); n != 0 {
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

// waiting returns when somebody waits for a lock in d, as far as d can tell.
func waiting(t testing.TB, d *database) {
	t.Helper()
	if d.dialect == sqlstore.SQLite {
		return
	}
	until(t, "somebody to wait for a lock", func() bool {
		return count(t, d.db, `SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`) > 0
	})
}
