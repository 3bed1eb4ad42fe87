package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const (
	short = 100 * time.Millisecond
	slack = 1500 * time.Millisecond // of a machine that is busy
)

// held begins a transaction of another process that keeps everybody out, or all
// writers, until it is released.
func (d *database) held(t testing.TB, readers bool) (release func()) {
	t.Helper()
	conn, err := d.open(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case d.dialect == sqlstore.PostgreSQL && readers:
		exec(t, conn, `BEGIN`, `LOCK TABLE keystile_credentials IN ACCESS EXCLUSIVE MODE`)
	case d.dialect == sqlstore.PostgreSQL:
		exec(t, conn, `BEGIN`, `LOCK TABLE keystile_credentials IN EXCLUSIVE MODE`)
	case readers:
		// The mode takes effect with a connection's first use of the file.
		conn.Close()
		db := d.open(t)
		db.SetMaxOpenConns(1)
		exec(t, db, `PRAGMA journal_mode = DELETE`, `BEGIN EXCLUSIVE`)
		return func() { exec(t, db, `ROLLBACK`) }
	default:
		exec(t, conn, `BEGIN IMMEDIATE`)
	}
	return func() {
		exec(t, conn, `ROLLBACK`)
		conn.Close()
	}
}

// B4: while another process holds a lock, each call ends in time, with an error
// that is no answer, and has done nothing. Then all is as before.
func TestTimeout(t *testing.T) {
	for name, readers := range map[string]bool{"no writes": false, "nothing": true} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, d *database) {
				insert(t, d.migrated(t), credential("there"))
				if readers && d.dialect == sqlstore.SQLite {
					d.db.Close() // only a file that nobody has open can be had for oneself
					d.dsn = d.dsn[:len(d.dsn)-len("&_pragma=journal_mode(WAL)")]
				}
				release := d.held(t, readers)
				st, err := sqlstore.New(sqlstore.Config{DB: d.open(t), Dialect: d.dialect, Timeout: short})
				if err != nil {
					t.Fatal(err)
				}
				for name, call := range calls(st) {
					start := time.Now()
					err := call(t.Context())
					took := time.Since(start)
					switch {
					case reads[name] && !readers:
						if err != nil {
							t.Errorf("%s: %v, want it to go on", name, err)
						}
						continue
					case readers && d.dialect == sqlstore.SQLite && err != nil:
						// It need not wait where the file is another's.
					case !errors.Is(err, context.DeadlineExceeded):
						t.Errorf("%s: %v, want %v", name, err, context.DeadlineExceeded)
					}
					if took > short+slack {
						t.Errorf("%s took %v, want %v", name, took, short)
					}
					for _, answer := range answers {
						if errors.Is(err, answer) {
							t.Errorf("%s: %v, which is %v", name, err, answer)
						}
					}
				}
				release()
				var got *store.Credential
				until(t, "the store to answer", func() bool { got, err = st.Get(t.Context(), "there"); return err == nil })
				if !got.RevokedAt.IsZero() || !got.RotatedAt.IsZero() || !got.LastUsedAt.IsZero() {
					t.Errorf("afterwards %+v, %v, want it unchanged", got, err)
				}
				until(t, "the store to write", func() bool {
					err := st.Insert(t.Context(), credential("afterwards"), 0)
					return err == nil || errors.Is(err, store.ErrExists) // from a try whose answer was late
				})
				if n := count(t, d.open(t), `SELECT count(*) FROM keystile_credentials`); n != 2 {
					t.Errorf("afterwards %d rows, want 2", n)
				}
			})
		})
	}
}

// B4: the caller's context counts, too, and so it does in a host's transaction.
func TestTimeoutWithinTx(t *testing.T) {
	d := newPostgres(t)
	whole := d.store(t, sqlstore.Config{Timeout: short})
	insert(t, d.migrated(t), credential("there"))
	defer d.held(t, true)()
	for name, call := range calls(whole) {
		ctx, cancel := context.WithTimeout(t.Context(), short/5)
		start := time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > short+slack {
			t.Errorf("%s: %v after %v, want %v", name, err, time.Since(start), context.DeadlineExceeded)
		}
		cancel()
	}
	for name := range calls(whole) {
		tx, err := d.db.BeginTx(t.Context(), &sql.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := calls(whole.Tx(tx))[name](t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s in a transaction: %v, want %v", name, err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took > short+slack {
			t.Errorf("%s in a transaction took %v", name, took)
		}
		tx.Rollback()
	}
}

// An ID comes from a URL. What no text of the database can be is not there.
func TestIDsThatCannotBe(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		st := d.migrated(t)
		insert(t, st, credential("there"))
		ctx := t.Context()
		for _, id := range []string{"\x00", "there\x00", "the\x00re", "there\xff", "\xc3\x28", "\xed\xa0\x80"} {
			_, get := st.Get(ctx, id)
			_, before := st.List(ctx, store.Filter{Subject: "ada", Before: id})
			for call, err := range map[string]error{
				"Get": get, "List Before": before,
				"Rotate": st.Rotate(ctx, id, epoch, credential("next")),
				"Touch":  st.Touch(ctx, id, epoch),
			} {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s(%q): %v, want %v", call, id, err, store.ErrNotFound)
				}
			}
			for _, f := range []store.Filter{{ID: id}, {Subject: id}, {Family: id}, {Parent: id}, {Subject: "ada", Kind: store.Kind(id)}} {
				if list, err := st.List(ctx, f); err != nil || len(list) > 0 {
					t.Errorf("List(%+v): %v, %v, want nothing", f, list, err)
				}
				if changed, err := st.Revoke(ctx, f, epoch); err != nil || len(changed) > 0 {
					t.Errorf("Revoke(%+v): %v, %v, want nothing", f, changed, err)
				}
			}
			if list, err := st.List(ctx, store.Filter{Subject: "ada", Except: id}); err != nil || len(list) != 1 {
				t.Errorf("List but %q: %v, %v, want one", id, list, err)
			}
		}
	})
}
