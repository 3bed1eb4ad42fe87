package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const (
	short = 100 * time.Millisecond
	slack = 1500 * time.Millisecond // for a busy machine
)

// Held begins a transaction of another process that blocks all writers until it is
// released. With PostgreSQL it blocks readers, too, if readers is true.
func (d *Database) Held(t testing.TB, readers bool) (release func()) {
	t.Helper()
	conn, err := d.Pool(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !d.pg():
		Exec(t, conn, `BEGIN IMMEDIATE`)
	case readers:
		Exec(t, conn, `BEGIN`, `LOCK TABLE keystile_credentials IN ACCESS EXCLUSIVE MODE`)
	default:
		Exec(t, conn, `BEGIN`, `LOCK TABLE keystile_credentials IN EXCLUSIVE MODE`)
	}
	return func() {
		Exec(t, conn, `ROLLBACK`)
		conn.Close()
	}
}

// B4: while another process holds a lock, each call returns an outage in time and
// changes nothing. Afterwards all calls work.
func testTimeout(t *testing.T, d *Database) {
	for name, readers := range map[string]bool{"no writes": false, "nothing": true} {
		if readers && !d.pg() {
			continue // a reader of SQLite does not wait for a writer
		}
		t.Run(name, func(t *testing.T) {
			d := d.Engine.Database(t)
			Insert(t, d.Store(t), Credential("there"))
			release := d.Held(t, readers)
			st, err := d.New(sqlstore.Config{DB: d.Pool(t), Dialect: d.Dialect, Timeout: short})
			if err != nil {
				t.Fatal(err)
			}
			for name, call := range Calls(st) {
				start := time.Now()
				err := call(t.Context())
				took := time.Since(start)
				switch {
				case Reads[name] && !readers:
					if err != nil {
						t.Errorf("%s: %v, want no error", name, err)
					}
					continue
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("%s: %v, want %v", name, err, context.DeadlineExceeded)
				}
				if took > short+slack {
					t.Errorf("%s took %v, want %v", name, took, short)
				}
				for _, answer := range Answers {
					if errors.Is(err, answer) {
						t.Errorf("%s: %v, which is %v", name, err, answer)
					}
				}
			}
			release()
			var got *store.Credential
			Until(t, "the store to answer", func() bool { got, err = st.Get(t.Context(), "there"); return err == nil })
			if !got.RevokedAt.IsZero() || !got.RotatedAt.IsZero() || !got.LastUsedAt.IsZero() {
				t.Errorf("afterwards %+v, want it unchanged", got)
			}
			Until(t, "the store to write", func() bool {
				_, err := st.Insert(t.Context(), Credential("afterwards"), store.Limits{})
				return err == nil || errors.Is(err, store.ErrExists) // an earlier attempt succeeded, but its answer came too late
			})
			if n := Count(t, d.DB, `SELECT count(*) FROM keystile_credentials`); n != 2 {
				t.Errorf("afterwards %d rows, want 2", n)
			}
		})
	}
	t.Run("context", func(t *testing.T) {
		d := d.Engine.Database(t)
		st := d.Store(t)
		Insert(t, st, Credential("there"))
		defer d.Held(t, false)()
		for name, call := range Calls(st) {
			if Reads[name] {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), short/5)
			start := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > short+slack {
				t.Errorf("%s: %v after %v, want %v", name, err, time.Since(start), context.DeadlineExceeded)
			}
			cancel()
		}
	})
}

// IDs come from URLs. An ID that the database cannot store is not found.
func testIDsThatCannotBe(t *testing.T, d *Database) {
	st := d.Store(t)
	Insert(t, st, Credential("there"))
	ctx := t.Context()
	for _, id := range []string{"\x00", "there\x00", "the\x00re", "there\xff", "\xc3\x28", "\xed\xa0\x80"} {
		_, get := st.Get(ctx, id)
		_, update := st.Update(ctx, id, store.Changes{})
		for call, err := range map[string]error{"Get": get, "Update": update, "Rotate": st.Rotate(ctx, id, Epoch, Credential("next"), store.Limits{})} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s(%q): %v, want %v", call, id, err, store.ErrNotFound)
			}
		}
		if err := st.Touch(ctx, []store.Use{{ID: id, At: Epoch}, {ID: "there", At: Epoch}}); err != nil {
			t.Errorf("Touch(%q): %v", id, err)
		}
		for _, f := range []store.Filter{{ID: id}, {Subject: id}, {Subject: "ada", Family: id}, {Subject: "ada", ClientID: id}, {Subject: "ada", Kind: store.Kind(id)}} {
			if changed, err := st.Revoke(ctx, f, Epoch); err != nil || len(changed) > 0 {
				t.Errorf("Revoke(%+v): %v, %v, want nothing", f, changed, err)
			}
		}
		for _, q := range []store.Query{{Subject: id, Kind: "token"}, {Subject: "ada", Kind: store.Kind(id)}, {Subject: "ada", Kind: "token", ClientID: id}} {
			if list, _, err := st.List(ctx, q); err != nil || len(list) > 0 {
				t.Errorf("List(%+v): %v, %v, want nothing", q, list, err)
			}
		}
		forged := Tokens
		forged.After = store.NewCursor(&store.Credential{ID: id, CreatedAt: Epoch})
		if _, _, err := st.List(ctx, forged); err == nil {
			t.Errorf("List after %q: no error", id)
		}
		if n, err := st.Erase(ctx, id); n != 0 || err != nil {
			t.Errorf("Erase(%q): %d, %v", id, n, err)
		}
		other := Credential("other")
		other.ID = id
		if _, err := st.Insert(ctx, other, store.Limits{}); err == nil {
			t.Errorf("Insert(%q): no error", id)
		}
	}
	if list := List(t, st); len(list) != 1 || !list[0].LastUsedAt.Equal(Epoch) || !list[0].RevokedAt.IsZero() {
		t.Errorf("afterwards %+v", list)
	}
	f := store.Filter{Subject: "ada", Except: []string{"\x00", "\xff", "there"}}
	if changed, err := st.Revoke(ctx, f, Epoch); err != nil || len(changed) > 0 {
		t.Errorf("Revoke(%+v): %v, %v, want nothing", f, changed, err)
	}
}
