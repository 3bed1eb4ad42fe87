//go:build linux

package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// A filler inserts many rows quickly.
type filler func(ctx context.Context, rows []*store.Credential) error

type engine struct {
	name string
	open func(ctx context.Context, tb testing.TB) (store.Store, filler, error)
}

var engines = []engine{
	{"SQLite", func(ctx context.Context, tb testing.TB) (store.Store, filler, error) {
		dir, err := os.MkdirTemp("", "history")
		if err != nil {
			return nil, nil, err
		}
		tb.Cleanup(func() { os.RemoveAll(dir) })
		st, err := sqlite.Open(ctx, filepath.Join(dir, "credentials.db"))
		if err != nil {
			return nil, nil, err
		}
		tb.Cleanup(func() { st.Close() })
		return st, inTransactions(st.DB(), st.Store, 1), nil
	}},
	{"PostgreSQL", func(ctx context.Context, tb testing.TB) (store.Store, filler, error) {
		st, err := postgres.Open(ctx, services.StartPostgres(tb).DSN("postgres"))
		if err != nil {
			return nil, nil, err
		}
		tb.Cleanup(func() { st.Close() })
		fill := inTransactions(st.DB(), st.Store, 8)
		return st, func(ctx context.Context, rows []*store.Credential) error {
			// The server plans for an empty table until it has analyzed some rows.
			first := min(len(rows), 2000)
			for _, part := range [][]*store.Credential{rows[:first], rows[first:]} {
				if err := fill(ctx, part); err != nil {
					return err
				}
				if _, err := st.DB().ExecContext(ctx, `VACUUM ANALYZE keystile_credentials`); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
	{"Redis", func(ctx context.Context, tb testing.TB) (store.Store, filler, error) {
		client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{services.StartRedis(tb).Addr()}})
		if err != nil {
			return nil, nil, err
		}
		tb.Cleanup(client.Close)
		st, err := redisstore.New(ctx, redisstore.Config{Client: client, Prefix: "bench"})
		return st, func(ctx context.Context, rows []*store.Credential) error {
			return split(rows, 128, func(rows []*store.Credential) error { return insert(ctx, st, rows) })
		}, err
	}},
}

// inTransactions returns a filler that uses so many connections side by side, and
// transactions of 1000 rows.
func inTransactions(db *sql.DB, st *sqlstore.Store, connections int) filler {
	inTx := func(ctx context.Context, rows []*store.Credential) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := insert(ctx, st.Tx(tx), rows); err != nil {
			return err
		}
		return tx.Commit()
	}
	return func(ctx context.Context, rows []*store.Credential) error {
		return split(rows, connections, func(rows []*store.Credential) error {
			for chunk := range slices.Chunk(rows, 1000) {
				if err := inTx(ctx, chunk); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func insert(ctx context.Context, st store.Store, rows []*store.Credential) error {
	for _, c := range rows {
		if _, err := st.Insert(ctx, c, store.Limits{}); err != nil {
			return err
		}
	}
	return nil
}

// split divides rows into parts, calls f for all of them at once, and returns the first
// error.
func split(rows []*store.Credential, parts int, f func([]*store.Credential) error) error {
	var wait sync.WaitGroup
	errs := make(chan error, parts)
	for i := range parts {
		from, to := i*len(rows)/parts, (i+1)*len(rows)/parts
		wait.Go(func() { errs <- f(rows[from:to]) })
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
