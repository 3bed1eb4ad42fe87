package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// A recorder connects to SQLite and remembers the queries.
type recorder struct {
	sqlite  driver.Driver
	dsn     string
	mu      sync.Mutex
	queries []string
	cut     atomic.Bool // answers end after their first row
}

func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.sqlite.Open(r.dsn)
	return &recording{conn.(sqliteConn), r}, err
}

func (r *recorder) Driver() driver.Driver { return r.sqlite }

func (r *recorder) add(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queries = append(r.queries, query)
}

type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type recording struct {
	sqliteConn
	recorder *recorder
}

func (c *recording) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.recorder.add(query)
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c *recording) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.recorder.add(query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *recording) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.recorder.add(query)
	rows, err := c.sqliteConn.QueryContext(ctx, query, args)
	if err == nil && c.recorder.cut.Load() {
		rows = &cutRows{Rows: rows}
	}
	return rows, err
}

// cutRows end after the first row, as where the connection is lost.
type cutRows struct {
	driver.Rows
	read int
}

var errCut = errors.New("the connection was lost")

func (r *cutRows) Next(dest []driver.Value) error {
	if r.read++; r.read > 1 {
		return errCut
	}
	return r.Rows.Next(dest)
}

// B4 R1: an answer that was cut is not taken for a short one, and what was not
// answered is not done.
func TestCutAnswers(t *testing.T) {
	d := newSQLite(t)
	insert(t, d.migrated(t), credential("a"), credential("b"), credential("c"))
	r := &recorder{sqlite: d.db.Driver(), dsn: d.dsn}
	db := sql.OpenDB(r)
	defer db.Close()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.dialect})
	if err != nil {
		t.Fatal(err)
	}
	r.cut.Store(true)
	list, listed := st.List(t.Context(), store.Filter{Subject: "ada"})
	digests, revoked := st.Revoke(t.Context(), store.Filter{Subject: "ada"}, epoch)
	if list != nil || digests != nil || !errors.Is(listed, errCut) || !errors.Is(revoked, errCut) {
		t.Errorf("List = %v, %v; Revoke = %v, %v, want %v", list, listed, digests, revoked, errCut)
	}
	if err := st.Insert(t.Context(), credential("new"), 0); !errors.Is(err, errCut) {
		t.Errorf("Insert: %v, want %v", err, errCut)
	}
	r.cut.Store(false)
	list, err = st.List(t.Context(), store.Filter{Subject: "ada"})
	if err != nil || len(list) != 3 {
		t.Errorf("%d rows, %v, want 3", len(list), err)
	}
	for _, c := range list {
		if !c.RevokedAt.IsZero() {
			t.Errorf("%q is revoked", c.ID)
		}
	}
}
