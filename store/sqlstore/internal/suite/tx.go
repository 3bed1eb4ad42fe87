package suite

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

// T3 R10: the application's row and the token appear together at the commit, or not
// at all.
func testTxTogether(t *testing.T, d *Database) {
	st := d.Store(t)
	Exec(t, d.DB, accounts)
	for _, commit := range []bool{false, true} {
		tx := begin(t, d.DB)
		Exec(t, tx, `INSERT INTO accounts VALUES ('ada')`)
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
		list, _, err := st.List(t.Context(), Tokens)
		if n := Count(t, d.DB, `SELECT count(*) FROM accounts`); n != want || len(list) != want || err != nil {
			t.Errorf("commit %t: %d accounts and %d tokens, %v, want %d each", commit, n, len(list), err, want)
		}
		// After the end of the transaction every call is an outage.
		for name, call := range Calls(st.Tx(tx)) {
			if err := call(t.Context()); !errors.Is(err, sql.ErrTxDone) {
				t.Errorf("%s afterwards: %v, want %v", name, err, sql.ErrTxDone)
			}
		}
	}
}

// R3 R6 R10: after a refusal that is no outage, the application's transaction is
// unchanged and can still be used.
func testTxRefusals(t *testing.T, d *Database) {
	Exec(t, d.DB, accounts)
	whole := d.Store(t)
	old, taken := Credential("old"), Credential("taken")
	Insert(t, whole, old, taken)
	tx := begin(t, d.DB)
	st := whole.Tx(tx)
	ctx := t.Context()
	same := Credential("other")
	same.Digest = taken.Digest
	refusals := 0
	refused := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		Exec(t, tx, fmt.Sprintf(`INSERT INTO accounts VALUES ('%s')`, what))
		refusals++
	}
	insert := func(c *store.Credential, l store.Limits) error { _, err := st.Insert(ctx, c, l); return err }
	refused("taken ID", insert(taken, store.Limits{}), store.ErrExists)
	refused("taken digest", insert(same, store.Limits{Active: 1, EndOldest: true}), store.ErrExists)
	refused("limit", insert(Credential("third"), store.Limits{Active: 2}), store.ErrLimit)
	refused("recent", insert(Credential("third"), store.Limits{Recent: 2, Since: Epoch}), store.ErrLimit)
	_, err := st.Get(ctx, "unknown")
	refused("get", err, store.ErrNotFound)
	_, err = st.Find(ctx, store.KindSecret, old.Digest)
	refused("find", err, store.ErrNotFound)
	_, err = st.Update(ctx, "unknown", store.Changes{})
	refused("update", err, store.ErrNotFound)
	refused("rotate unknown", st.Rotate(ctx, "unknown", Epoch, Credential("next"), store.Limits{}), store.ErrNotFound)
	refused("rotate to taken", st.Rotate(ctx, old.ID, Epoch, same, store.Limits{}), store.ErrExists)
	if got, err := st.Get(ctx, old.ID); err != nil || !got.RotatedAt.IsZero() || !got.RevokedAt.IsZero() {
		t.Errorf("after calls that were refused: %+v, %v", got, err)
	}
	if err := st.Rotate(ctx, old.ID, Epoch.AddDate(0, 0, 1), Credential("next"), store.Limits{}); err != nil {
		t.Error(err)
	}
	refused("rotate again", st.Rotate(ctx, old.ID, Epoch, Credential("another"), store.Limits{}), store.ErrConflict)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := Count(t, d.DB, `SELECT count(*) FROM accounts`); n != refusals {
		t.Errorf("%d rows of the application, want %d", n, refusals)
	}
	if n := Count(t, d.DB, `SELECT count(*) FROM keystile_credentials`); n != 3 {
		t.Errorf("%d credentials, want 3", n)
	}
}

// R10: limits are exact even if many transactions of applications run at once.
func testTxLimit(t *testing.T, d *Database) {
	const limit, calls = 5, 30
	st := d.Store(t)
	Exec(t, d.DB, accounts)
	var group sync.WaitGroup
	var issued, refused atomic.Int64
	for i := range calls {
		group.Go(func() {
			tx, err := d.DB.BeginTx(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO accounts VALUES ('%d')`, i))
			if err == nil {
				_, err = st.Tx(tx).Insert(t.Context(), Credential(fmt.Sprint(i)), store.Limits{Active: limit})
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
	if issued.Load() != limit || refused.Load() != calls-limit {
		t.Errorf("%d issued, %d refused, want %d and %d", issued.Load(), refused.Load(), limit, calls-limit)
	}
	for _, table := range []string{"accounts", "keystile_credentials"} {
		if n := Count(t, d.DB, `SELECT count(*) FROM `+table); n != limit {
			t.Errorf("%d rows in %s, want %d", n, table, limit)
		}
	}
}

// R3: a Revoke that begins during a rotation also revokes the successor.
func testTxRevokeWaits(t *testing.T, d *Database) {
	st := d.Store(t)
	for name, f := range map[string]store.Filter{"subject": {}, "family": {Family: "family"}, "client": {ClientID: "client"}} {
		t.Run(name, func(t *testing.T) {
			old, next := Credential(name), Credential(name+" again")
			f.Subject = "by " + name
			for _, c := range []*store.Credential{old, next} {
				c.Subject, c.Family, c.ClientID = f.Subject, name, name
			}
			Insert(t, st, old)
			tx := begin(t, d.DB)
			if err := st.Tx(tx).Rotate(t.Context(), old.ID, Epoch.AddDate(0, 0, 1), next, store.Limits{}); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := st.Revoke(context.WithoutCancel(t.Context()), f, Epoch)
				done <- err
			}()
			d.Waiting(t)
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
}

// Waiting returns when a call waits for a lock. SQLite does not show that, so there it
// returns at once.
func (d *Database) Waiting(t testing.TB) {
	t.Helper()
	if !d.pg() {
		return
	}
	Until(t, "a call that waits for a lock", func() bool {
		return Count(t, d.DB, `SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`) > 0
	})
}
