package stores

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/testbed"
	"github.com/keystile/keystile/bench/internal/turns"
	"github.com/keystile/keystile/bench/internal/way"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// An engine is a store, and its driver without the store.
type engine struct {
	name   string
	store  store.Store
	bare   func(ctx context.Context, d store.Digest) error // the same lookup
	fill   func(ctx context.Context, from, to int) error   // with numbered credentials
	digest func(i int) store.Digest                        // of those
	bytes  func(ctx context.Context) (float64, error)      // that all credentials take
}

// Engines measures SQLite, PostgreSQL and Redis, on servers of its own, and the
// cache over the latter two, and grows each through sizes.
func Engines(p turns.Plan, sizes []int) (r report.Results, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = testbed.Run(func(tb testing.TB) error {
		for _, open := range []func(context.Context, testing.TB) (*engine, error){openSQLite, openPostgres, openRedis} {
			e, err := open(ctx, tb)
			if err != nil {
				return err
			}
			if err := e.measure(ctx, p, sizes, &r); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
		return nil
	})
	return r, err
}

func (e *engine) measure(ctx context.Context, p turns.Plan, sizes []int, r *report.Results) error {
	n := 0
	for i, size := range sizes {
		if err := e.fill(ctx, n, size); err != nil {
			return err
		}
		n = size
		bytes, err := e.bytes(ctx)
		if err != nil {
			return err
		}
		digests := asked(size, e.digest)
		if err := e.check(ctx, digests[0]); err != nil {
			return err
		}
		result := turns.Compare(p, turns.Wall, e.driver(ctx, digests), finder(ctx, e.store, digests))
		r.Growth = append(r.Growth, report.Growth{Store: e.name, Size: size, Ns: result.Ns, Bytes: bytes / float64(size)})
		if i < len(sizes)-1 {
			continue
		}
		f := report.Find{Store: e.name, What: fmt.Sprint("one of ", size), Result: result}
		f.Bytes, f.Allocs = turns.Cost(finder(ctx, e.store, digests))
		_, f.DriverAllocs = turns.Cost(e.driver(ctx, digests))
		r.Finds = append(r.Finds, f)
	}
	if e.name == "SQLite" { // which needs no cache
		return nil
	}
	return e.cached(p, r)
}

// check makes sure that both ways find the row, and that both tell when there is
// none.
func (e *engine) check(ctx context.Context, there store.Digest) error {
	if _, err := e.store.Find(ctx, store.KindToken, there); err != nil {
		return err
	}
	if err := e.bare(ctx, there); err != nil {
		return err
	}
	if e.bare(ctx, store.Digest{1}) == nil {
		return fmt.Errorf("the driver finds what is not there")
	}
	return nil
}

func (e *engine) driver(ctx context.Context, digests []store.Digest) turns.Func {
	i := 0
	return func(n int) {
		for range n {
			if err := e.bare(ctx, digests[i%len(digests)]); err != nil {
				panic(err)
			}
			i++
		}
	}
}

// cached measures a bearer token that is answered from the cache over e.
func (e *engine) cached(p turns.Plan, r *report.Results) error {
	c, err := cache.New(cache.Config{Store: e.store})
	if err != nil {
		return err
	}
	defer c.Close()
	memory, over, err := way.Over("cache over "+e.name, c, 1000)
	if err != nil {
		return err
	}
	for _, w := range []*way.Way{memory, over} {
		if err := w.Check(); err != nil { // which fills the cache
			return err
		}
	}
	w := report.Way{Name: over.Name, Reference: memory.Name,
		One: turns.Serial(p, memory.Client, over.Client),
		All: turns.AllCores(p, memory.Client, over.Client),
	}
	w.Bytes, w.Allocs = turns.Cost(over.Client())
	r.Ways = append(r.Ways, w)
	return nil
}

const find = `SELECT id, kind, digest, subject, name, hint, scopes, family, client_id, actor, networks,
	created_at, expires_at, rotated_at, revoked_at, last_used_at, last_used_addr, data FROM keystile_credentials WHERE digest = `

// bareSQL returns the prepared call. T is how the database has times.
func bareSQL[T any](ctx context.Context, db *sql.DB, where string) (func(context.Context, store.Digest) error, error) {
	stmt, err := db.PrepareContext(ctx, find+where)
	return func(ctx context.Context, d store.Digest) error {
		var id, kind, subject, name, hint, scopes, family, client, actor, networks, addr string
		var digest, data []byte
		var created T
		var expires, rotated, revoked, used sql.Null[T]
		return stmt.QueryRowContext(ctx, d[:], "token").Scan(&id, &kind, &digest, &subject, &name, &hint, &scopes, &family, &client, &actor, &networks,
			&created, &expires, &rotated, &revoked, &used, &addr, &data)
	}, err
}

func openSQLite(ctx context.Context, tb testing.TB) (*engine, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "credentials.db")
	st, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { st.Close() })
	// As package sqlite opens it to read.
	reads, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1500)&_pragma=journal_mode(WAL)&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { reads.Close() })
	bare, err := bareSQL[int64](ctx, reads, "? AND kind = ?")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)") // to fill it without waiting for the disk
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { db.Close() })
	return &engine{name: "SQLite", store: st, bare: bare, digest: digest,
		fill: func(ctx context.Context, from, to int) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			in := st.Tx(tx)
			for now := time.Now(); from < to; from++ {
				if _, err := in.Insert(ctx, numbered(from, now), store.Limits{}); err != nil {
					return err
				}
			}
			return tx.Commit()
		},
		bytes: func(ctx context.Context) (n float64, err error) {
			err = db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&n)
			return n, err
		},
	}, err
}

func openPostgres(ctx context.Context, tb testing.TB) (*engine, error) {
	server := services.StartPostgres(tb, "shared_buffers=512MB", "fsync=off", "max_wal_size=4GB")
	dsn := server.DSN("postgres")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { db.Close() })
	st, err := postgres.New(sqlstore.Config{DB: db}) // so that both ask the same process of the server
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		return nil, err
	}
	bare, err := bareSQL[time.Time](ctx, db, "$1 AND kind = $2")
	return &engine{name: "PostgreSQL", store: st, bare: bare, digest: digest,
		fill: func(ctx context.Context, from, to int) error {
			// The rows of numbered, created by the server.
			_, err := db.ExecContext(ctx, `INSERT INTO keystile_credentials (id, kind, digest, subject, name, hint, scopes, family,
					client_id, actor, networks, created_at, expires_at, last_used_addr, data)
				SELECT id, 'token', sha256(id::bytea), 'account-' || (i/10), 'ci', 'pat_…' || right(id, 4), '["*"]', id,
					'', '', '', now(), now() + interval '1 day', '', ''
				FROM generate_series($1::int, $2::int - 1) i, LATERAL (SELECT lpad(i::text, 20, '0') AS id) x`, from, to)
			if err == nil {
				_, err = db.ExecContext(ctx, `VACUUM ANALYZE keystile_credentials`)
			}
			return err
		},
		bytes: func(ctx context.Context) (n float64, err error) {
			err = db.QueryRowContext(ctx, `SELECT pg_total_relation_size('keystile_credentials')`).Scan(&n)
			return n, err
		},
	}, err
}
