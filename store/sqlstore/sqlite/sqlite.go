// Package sqlite opens a [sqlstore.Store] in a file. It uses modernc.org/sqlite, an
// SQLite in Go, without cgo.
//
//	st, err := sqlite.Open(ctx, "credentials.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services on one machine. Several processes may share the file; each
// [Store.Find] sees everything that the others have committed. The file must be on a
// local disk: SQLite's locks do not work on network file systems.
//
// Committed writes survive a crash of the process or the machine (journal_mode WAL,
// synchronous FULL). While the file is in use, there are two more files beside it,
// whose names end with -wal and -shm. To back up, use VACUUM INTO; a copy of the three
// files while they are written may be damaged. If you replace the file by a backup,
// delete the other two.
//
// Only one process writes at a time. A call that writes waits for the others, until
// its context ends, and for at most two seconds.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite" // the driver

	"github.com/keystile/keystile/store/sqlstore"
)

// busyTimeout is how long a writer waits for a writer of another process, in
// milliseconds. It is a little less than the timeout of a call.
const busyTimeout = 1500

// A Store is a [sqlstore.Store] with the connections that [Open] opened.
type Store struct {
	*sqlstore.Store
	finder      *finder
	write, read *sql.DB
}

// Open opens the database in a file, and creates or updates its tables. If there
// is no file, Open creates one that only its owner can read (mode 0600). The error
// names the file.
func Open(ctx context.Context, path string) (*Store, error) {
	st, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %q: %w", path, err)
	}
	return st, nil
}

func open(ctx context.Context, path string) (st *Store, err error) {
	if path == "" || path == ":memory:" {
		return nil, errors.New("a file is required; store.Memory keeps credentials in memory")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would create a file that other users can read. The two files beside
	// it get the same mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()

	// SQLite has one writer at a time. With one connection for writes, callers
	// wait in a fair queue instead of polling the lock. A transaction locks when
	// it begins, so that it cannot fail later because of another writer.
	var pools []*sql.DB
	defer func() {
		for _, db := range pools {
			if err != nil {
				db.Close()
			}
		}
	}()
	conns := max(4, 2*runtime.GOMAXPROCS(0))
	for _, p := range []struct {
		conns int
		param url.Values
	}{{1, url.Values{"_txlock": {"immediate"}}}, {conns, url.Values{"_pragma": {"query_only(1)"}}}, {conns, url.Values{"_pragma": {"query_only(1)"}}}} {
		db, err := pool(path, p.conns, p.param)
		if err != nil {
			return nil, err
		}
		pools = append(pools, db)
	}
	write, read, find := pools[0], pools[1], pools[2]
	rows, err := sqlstore.New(sqlstore.Config{DB: write, Reads: read, Dialect: sqlstore.SQLite})
	if err == nil {
		err = rows.Migrate(ctx)
	}
	if err != nil {
		return nil, err
	}
	lookups, err := newFinder(ctx, find, conns)
	if err != nil {
		return nil, err
	}
	return &Store{rows, lookups, write, read}, nil
}

// pool returns at most n connections to the file.
func pool(path string, n int, params url.Values) (*sql.DB, error) {
	for _, pragma := range []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout), "journal_mode(WAL)", "synchronous(FULL)"} {
		params.Add("_pragma", pragma)
	}
	// Use a URL, because a path may contain a question mark. A Windows path begins
	// with a letter; in a URL it needs a slash before that.
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Format implements [fmt.Formatter]. Every verb prints the name of the type.
func (s Store) Format(f fmt.State, _ rune) { io.WriteString(f, "sqlite.Store") }

// DB returns the pool for writes, to begin a transaction for [sqlstore.Store.Tx]. It
// has only one connection: until the transaction ends, other calls that write wait
// for it, even those of the goroutine that began it.
func (s *Store) DB() *sql.DB { return s.write }

// Close closes the database. Calls in progress, and later ones, fail. Calling it
// again does nothing.
func (s *Store) Close() error {
	return errors.Join(s.finder.stmt.Close(), s.finder.db.Close(), s.read.Close(), s.write.Close())
}
