package sqlite_test

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
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

// A recorder connects to SQLite and records the statements that return rows.
type recorder struct {
	sqlite     driver.Driver
	dsn        string
	mu         sync.Mutex
	statements []statement
	cut        atomic.Bool // makes the connection fail after the first row of a result
}

type statement struct {
	text string
	args []any
}

func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.sqlite.Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return &recording{conn.(sqliteConn), r}, nil
}

func (r *recorder) Driver() driver.Driver { return r.sqlite }

// taken returns the statements since its last call.
func (r *recorder) taken() []statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.statements
	r.statements = nil
	return s
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

func (c *recording) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s := statement{text: query}
	for _, a := range args {
		s.args = append(s.args, a.Value)
	}
	c.recorder.mu.Lock()
	c.recorder.statements = append(c.recorder.statements, s)
	c.recorder.mu.Unlock()
	rows, err := c.sqliteConn.QueryContext(ctx, query, args)
	if err == nil && c.recorder.cut.Load() {
		rows = &cutRows{Rows: rows}
	}
	return rows, err
}

// cutRows fail after the first row.
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

// B4 R1: if a result is cut short, the call is an outage and changes nothing.
func TestCutAnswers(t *testing.T) {
	d := engine.Database(t)
	before := d.Store(t)
	for _, id := range []string{"a", "b", "c"} {
		suite.Insert(t, before, suite.Credential(id))
	}
	r := &recorder{sqlite: d.DB.Driver(), dsn: d.DSN}
	db := sql.OpenDB(r)
	defer db.Close()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.Dialect})
	if err != nil {
		t.Fatal(err)
	}
	ada := store.Filter{Subject: "ada"}
	for name, call := range map[string]func() error{
		"List":   func() error { _, _, err := st.List(t.Context(), suite.Tokens); return err },
		"Revoke": func() error { _, err := st.Revoke(t.Context(), ada, suite.Epoch); return err },
		"Erase":  func() error { _, err := st.Erase(t.Context(), "ada"); return err },
		"Scan": func() error {
			for _, err := range st.Scan(t.Context(), store.ScanFilter{}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"Insert": func() error {
			_, err := st.Insert(t.Context(), suite.Credential("new"), store.Limits{Active: 1, EndOldest: true})
			return err
		},
	} {
		r.cut.Store(true)
		if err := call(); !errors.Is(err, errCut) {
			t.Errorf("%s: %v, want %v", name, err, errCut)
		}
		r.cut.Store(false)
		list, _, err := st.List(t.Context(), suite.Tokens)
		if err != nil || len(list) != 3 {
			t.Errorf("after %s: %d rows, %v, want 3", name, len(list), err)
		}
		for _, c := range list {
			if !c.RevokedAt.IsZero() {
				t.Errorf("after %s: %q is revoked", name, c.ID)
			}
		}
	}
}
