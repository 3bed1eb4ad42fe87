package suite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/storetest"
)

// testTx checks the whole contract. Each call is a transaction of the application.
// R1 R3 R4 R6 R8 R10 A25
func testTx(t *testing.T, d *Database) {
	storetest.Run(t, func(t *testing.T) store.Store {
		d := d.Engine.Database(t)
		return inTx{d.Store(t), d.DB}
	}, storetest.Fill(Fill))
}

// Fill is an argument of [storetest.Fill]: it inserts rows in one transaction.
func Fill(ctx context.Context, st store.Store, rows []*store.Credential) error {
	s := st.(interface {
		DB() *sql.DB
		Tx(*sql.Tx) *sqlstore.Store
	})
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i, c := range rows {
		if _, err := s.Tx(tx).Insert(ctx, c, store.Limits{}); err != nil {
			return err
		}
		// PostgreSQL keeps plans for a small table until it analyzes the table, which
		// it does by itself within a minute.
		if i >= 512 && i&(i-1) == 0 && strings.Contains(fmt.Sprintf("%T", s.DB().Driver()), "stdlib") {
			if _, err := tx.ExecContext(ctx, `ANALYZE keystile_credentials`); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// inTx is a Store that begins a transaction for each call.
type inTx struct {
	st *sqlstore.Store
	db *sql.DB
}

func (s inTx) DB() *sql.DB                   { return s.db }
func (s inTx) Tx(tx *sql.Tx) *sqlstore.Store { return s.st.Tx(tx) }

func (s inTx) do(ctx context.Context, call func(st *sqlstore.Store) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	err = call(s.st.Tx(tx))
	if err != nil && !slices.ContainsFunc(Answers, func(answer error) bool { return errors.Is(err, answer) }) {
		return err
	}
	return cmp.Or(tx.Commit(), err)
}

func (s inTx) Find(ctx context.Context, k store.Kind, d store.Digest) (c *store.Credential, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { c, err = st.Find(ctx, k, d); return err })
	return c, err
}

func (s inTx) Get(ctx context.Context, id string) (c *store.Credential, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { c, err = st.Get(ctx, id); return err })
	return c, err
}

func (s inTx) Insert(ctx context.Context, c *store.Credential, l store.Limits) (ended []store.Digest, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { ended, err = st.Insert(ctx, c, l); return err })
	return ended, err
}

func (s inTx) List(ctx context.Context, q store.Query) (cs []*store.Credential, next store.Cursor, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { cs, next, err = st.List(ctx, q); return err })
	return cs, next, err
}

func (s inTx) Update(ctx context.Context, id string, ch store.Changes) (c *store.Credential, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { c, err = st.Update(ctx, id, ch); return err })
	return c, err
}

func (s inTx) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	return s.do(ctx, func(st *sqlstore.Store) error { return st.Rotate(ctx, id, until, next, l) })
}

func (s inTx) Revoke(ctx context.Context, f store.Filter, at time.Time) (revoked []store.Digest, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { revoked, err = st.Revoke(ctx, f, at); return err })
	return revoked, err
}

func (s inTx) Touch(ctx context.Context, uses []store.Use) error {
	return s.do(ctx, func(st *sqlstore.Store) error { return st.Touch(ctx, uses) })
}

func (s inTx) Prune(ctx context.Context, before store.PruneBefore) (n int, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { n, err = st.Prune(ctx, before); return err })
	return n, err
}

func (s inTx) Erase(ctx context.Context, subject string) (n int, err error) {
	err = s.do(ctx, func(st *sqlstore.Store) error { n, err = st.Erase(ctx, subject); return err })
	return n, err
}
