package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// S12: a role with only the documented privileges may not create tables. If the
// tables exist, it can open a store and make every call.
func TestPrivileges(t *testing.T) {
	dsn := empty(t)
	admin := pool(t, dsn)
	role := "service_" + strings.TrimPrefix(dsn[strings.LastIndex(dsn, "/")+1:], "test")
	role = strings.SplitN(role, "?", 2)[0]
	exec(t, admin, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	exec(t, admin, `CREATE ROLE `+role+` LOGIN`)
	asRole := strings.Replace(dsn, "postgres@", role+"@", 1)

	if st, err := postgres.Open(t.Context(), asRole); err == nil {
		st.Close()
		t.Error("Open without tables and without the privilege to create them: no error")
	} else if !strings.Contains(err.Error(), "Migrations") {
		t.Errorf("Open: %v, want the remedy", err)
	}
	open(t, dsn) // creates the tables as administrator
	exec(t, admin, `GRANT SELECT, INSERT, UPDATE, DELETE ON keystile_credentials TO `+role)
	exec(t, admin, `GRANT SELECT ON keystile_migrations TO `+role)
	t.Cleanup(func() { admin.Exec(`DROP OWNED BY ` + role + `; DROP ROLE ` + role) })

	st := open(t, asRole)
	insert(t, st, credential("there"))
	for name, call := range suite.Calls(st.Store) {
		if err := call(t.Context()); err != nil && !isAnswer(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isAnswer(err error) bool {
	for _, answer := range suite.Answers {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// S14: no call fails when the table is altered under load, although every connection
// has prepared statements.
func TestAlteredTable(t *testing.T) {
	dsn := empty(t)
	db := pool(t, dsn)
	st, c := created(t, db, 20*time.Second)
	const conns = 8
	var done [conns]chan error
	stop := make(chan struct{})
	for i := range conns {
		done[i] = make(chan error, 1)
		go func() {
			for {
				select {
				case <-stop:
					done[i] <- nil
					return
				default:
				}
				_, find := st.Find(t.Context(), c.Kind, c.Digest)
				_, _, list := st.List(t.Context(), suite.Tokens)
				_, insert := st.Insert(t.Context(), credential(strings.Repeat("x", i+1)+time.Now().String()), store.Limits{Active: 5, EndOldest: true})
				if err := errors.Join(find, list, insert, st.Touch(t.Context(), []store.Use{{ID: c.ID, At: time.Now()}})); err != nil {
					done[i] <- err
					return
				}
			}
		}()
	}
	for range 5 {
		for _, as := range []string{"varchar", "text"} {
			exec(t, db, `ALTER TABLE keystile_credentials ALTER COLUMN name TYPE `+as)
			exec(t, db, `ALTER TABLE keystile_credentials ALTER COLUMN hint TYPE `+as)
		}
	}
	close(stop)
	for i := range conns {
		if err := <-done[i]; err != nil {
			t.Errorf("while the table is altered: %v", err)
		}
	}
}

// If the isolation level would make counts inexact, calls that count return an error
// with the remedy.
func TestIsolation(t *testing.T) {
	dsn := empty(t)
	st, _ := created(t, pool(t, dsn), 20*time.Second)
	other := pool(t, dsn+"&default_transaction_isolation=repeatable%20read")
	strict, err := postgres.New(sqlstore.Config{DB: other})
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Insert(t.Context(), credential("new"), store.Limits{Active: 9})
	if err == nil || !strings.Contains(err.Error(), "must be read committed") {
		t.Errorf("Insert with REPEATABLE READ: %v, want an error", err)
	}
	if _, err := st.Get(t.Context(), "new"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("afterwards: %v", err)
	}
}
