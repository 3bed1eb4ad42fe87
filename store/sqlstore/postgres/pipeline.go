package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store/sqlstore/internal/query"
)

// pipeline is a [query.Pipeline]: it sends all statements at once, which is one
// round trip and one transaction, because PostgreSQL takes what is sent before a
// Sync for one. Each statement sees what was committed before it began.
func pipeline(ctx context.Context, db *sql.DB, statements ...query.Statement) error {
	return onConn(ctx, db, func(ctx context.Context, conn *pgx.Conn) error {
		if len(statements) == 1 {
			s := statements[0]
			rows, err := conn.Query(ctx, s.SQL, s.Args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			return query.Read(s, rows)
		}
		b := new(pgx.Batch)
		for _, s := range statements {
			b.Queue(s.SQL, s.Args...)
		}
		results := conn.SendBatch(ctx, b)
		for _, s := range statements {
			rows, err := results.Query()
			if err == nil {
				err = query.Read(s, rows)
				rows.Close()
			}
			if err != nil {
				results.Close()
				return err
			}
		}
		return results.Close() // an error if the transaction was not committed
	})
}

// maxTries is more than the connections of a pool that the server may have closed
// while they were idle.
const maxTries = 100

// maxAgain is more than one, because a migration may alter a table several times in
// a row.
const maxAgain = 20

// onConn calls f with a connection of db, and again if certainly nothing was
// executed: with another connection if nothing was sent, with the same one if the
// server rejected a statement prepared earlier. It returns [query.ErrUnsupported] if
// the connections of db are not pgx's.
//
// Once it has a connection, f is called with a context that has only the deadline of
// ctx: pgx closes a connection whose query is canceled, so clients that hang up
// could cost the store its connections.
func onConn(ctx context.Context, db *sql.DB, f func(context.Context, *pgx.Conn) error) error {
	running, cancel := context.WithoutCancel(ctx), func() {}
	if deadline, ok := ctx.Deadline(); ok {
		running, cancel = context.WithDeadline(running, deadline)
	}
	defer cancel()
	for tries := 1; ; tries++ {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		sent := true
		err = conn.Raw(func(dc any) error {
			pg, ok := dc.(*stdlib.Conn)
			if !ok {
				return query.ErrUnsupported // it is wrapped
			}
			err := f(running, pg.Conn())
			for again := 0; again < maxAgain && outdated(err); again++ {
				err = f(running, pg.Conn())
			}
			sent = !pgconn.SafeToRetry(err)
			if unprepared(err) {
				err = fmt.Errorf("%w; a pooler mixes up prepared statements: set default_query_exec_mode=cache_describe in the DSN", err)
			}
			return err
		})
		conn.Close()
		if sent || ctx.Err() != nil || tries == maxTries {
			return err
		}
	}
}

// unprepared reports whether the server lacks a statement that was prepared, or has
// one that was not: another client of the same pooler prepared it.
func unprepared(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "26000" || server.Code == "42P05")
}

// outdated reports whether the server has rejected a statement because it was
// prepared before the table was altered, or is no longer prepared. It then has
// rolled back the transaction, and pgx prepares the statement anew.
func outdated(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	return server.Code == "26000" || // invalid_sql_statement_name
		server.Code == "0A000" && strings.Contains(server.Routine, "RevalidateCachedQuery") // feature_not_supported
}
