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

// pipeline is a [query.Pipeline]. It sends all statements at once, in one round trip.
// They are one transaction, because PostgreSQL treats all statements before a Sync as
// one. Each statement sees everything that was committed before it began.
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

// maxTries is larger than a usual pool, because the server may have closed all
// connections while they were idle.
const maxTries = 100

// maxAgain is larger than 1, because a migration may alter a table several times in
// a row.
const maxAgain = 20

// onConn calls f with a connection of db. It repeats the call only if certainly
// nothing was executed: with another connection if nothing was sent, or with the same
// one if the server rejected a prepared statement. It returns [query.ErrUnsupported]
// if the connections of db are not those of pgx.
//
// The context of f has only the deadline of ctx. pgx closes a connection whose query
// is canceled, so clients that hang up could cost the store its connections.
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
				return query.ErrUnsupported // another driver, or one that wraps pgx
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

// unprepared reports whether the server lacks a statement that this client prepared,
// or already has one that another client of the same pooler prepared.
func unprepared(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "26000" || server.Code == "42P05")
}

// outdated reports whether the server rejected a statement because the table was
// altered after it was prepared, or because it is no longer prepared. The server has
// rolled back the transaction, and pgx will prepare the statement again.
func outdated(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	return server.Code == "26000" || // invalid_sql_statement_name
		server.Code == "0A000" && strings.Contains(server.Routine, "RevalidateCachedQuery") // feature_not_supported
}
