// Package sqlite opens a [sqlstore.Store] in a file, with the SQLite that is
// compiled into the program: modernc.org/sqlite, without cgo.
//
//	st, err := sqlite.Open(ctx, "credentials.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services on one machine. Several processes may share the file; each
// [Store.Find] sees what the others have committed. The file must be on a disk of
// that machine: SQLite's locks do not work on network file systems.
//
// What a call has written survives the end of the process and of the machine
// (journal_mode WAL, synchronous FULL). While the file is in use there are two more
// beside it, with -wal and -shm at the end of their names. To make a backup use VACUUM
// INTO; a copy of the three files while they are written may be damaged. When you
// replace the file by a backup, delete the other two.
//
// One process writes at a time. A call waits for the others within its context and
// a timeout of two seconds.
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

// busyTimeout is how long a writer waits for one of another process, in
// milliseconds, if its context does not end before: a little less than the store
// waits for the call.
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
	// SQLite would create a file that others can read. The two beside it get
	// the mode of this one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()

	// SQLite has one writer at a time, and waiting for a connection is fairer
	// than trying again. It locks when it begins, so that it never has to give
	// up later.
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
	// As a URL, for a path may have a question mark. On Windows it begins
	// with a letter, in the URL with a slash.
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

// DB returns the connection that writes, to begin a transaction for
// [sqlstore.Store.Tx]. There is one: until the transaction ends, other calls that
// write wait for it, also those of the goroutine that began it.
func (s *Store) DB() *sql.DB { return s.write }

// Close closes the database. Calls in progress, and later ones, fail. Calling it
// again does nothing.
func (s *Store) Close() error {
	return errors.Join(s.finder.stmt.Close(), s.finder.db.Close(), s.read.Close(), s.write.Close())
}
