package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

const find = `SELECT ` + row.Columns + ` FROM keystile_credentials WHERE digest = $1::bytea AND kind = $2::text` + query.PrimaryOnly

// Find implements [store.Finder]. It reads one row by a unique index. Like all calls,
// after it has a connection it ends early only at a deadline, not if ctx is canceled.
//
// It calls pgx directly, in the connection's default_query_exec_mode, which uses a
// prepared statement by default. That takes a quarter less processor time than
// database/sql, which starts a goroutine for each query.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if !utf8.ValidString(string(k)) || strings.Contains(string(k), "\x00") { // the server would return an error
		return nil, store.ErrNotFound
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var c *store.Credential
	found := true
	err := onConn(bounded, s.reads, func(ctx context.Context, conn *pgx.Conn) (err error) {
		c, err = row.Scan(conn.QueryRow(ctx, find, d[:], string(k)))
		if err == pgx.ErrNoRows { // checked here, because a hook that runs on connecting may return it, too
			found, err = false, nil
		}
		return err
	})
	switch {
	case err == query.ErrUnsupported:
		return s.Store.Find(ctx, k, d)
	case err == nil && !found:
		return nil, store.ErrNotFound
	case err == nil:
		return c, nil
	case bounded.Err() != nil && !errors.Is(err, bounded.Err()): // pgx reports a deadline in various ways
		err = fmt.Errorf("%w: %w", bounded.Err(), err)
	}
	return nil, fmt.Errorf("postgres: find: %w", err)
}
