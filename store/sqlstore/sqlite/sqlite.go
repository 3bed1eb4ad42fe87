// Package sqlite opens a [sqlstore.Store] in a file, with the SQLite that is
// compiled into the program: modernc.org/sqlite, without cgo.
//
//	st, err := sqlite.Open(ctx, "credentials.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//
// It is for services of one machine. Several processes may share the file; none
// learns of the others' changes but by reading, which [sqlstore.Store.Find] does
// each time. The file must be on a disk of that machine: SQLite's locks do not
// work on network file systems.
//
// What a call has written survives the end of the process and of the machine
// (journal_mode WAL, synchronous FULL). Beside the file there are two more while
// it is in use, with -wal and -shm at the end of their names. A backup uses VACUUM
// INTO: to copy the three while they are written makes none. Who puts a backup in
// the place of the file deletes the other two.
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
// milliseconds: a little less than the store waits for the call.
const busyTimeout = 1500

// A Store is a [sqlstore.Store] with the connections that [Open] made.
type Store struct {
	*sqlstore.Store
	write, read *sql.DB
}

// Open opens the database in a file, which is made if there is none, for its
// owner alone (mode 0600), and makes or updates its tables. The error names the
// file.
func Open(ctx context.Context, path string) (*Store, error) {
	st, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %q: %w", path, err)
	}
	return st, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	if path == "" || path == ":memory:" {
		return nil, errors.New("a file is required; store.Memory keeps credentials in memory")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make a file that others can read; those beside it are as
	// this one is.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()

	// One writer: SQLite has no more, and waiting for a connection is fairer
	// than trying again. It locks when it begins, so that it never has to
	// give up in the middle.
	write, err := pool(path, 1, url.Values{"_txlock": {"immediate"}})
	if err != nil {
		return nil, err
	}
	read, err := pool(path, max(4, 2*runtime.GOMAXPROCS(0)), url.Values{"_pragma": {"query_only(1)"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	st := &Store{write: write, read: read}
	st.Store, err = sqlstore.New(sqlstore.Config{DB: write, Reads: read, Dialect: sqlstore.SQLite})
	if err == nil {
		err = st.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
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

// Close closes the database. Calls that are on their way, and those to come,
// fail. Closing again does nothing, nor does closing what Open has not made.
func (s *Store) Close() error {
	if s == nil || s.write == nil {
		return nil
	}
	return errors.Join(s.read.Close(), s.write.Close())
}
