package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const (
	// beat is how long Watch listens before it asks whether the server is
	// still there, and how long that may take. Two of them are as old as what
	// alive says may be: see [store.Watcher].
	beat  = 240 * time.Millisecond
	fresh = 500 * time.Millisecond
)

// Watch implements [store.Watcher], by LISTEN. Every transaction that changes
// credentials notifies of it, whoever runs it, so that nobody hears of what has
// not happened.
func (s *Store) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	if s == nil || s.db == nil {
		return errors.New("postgres: watch: the Store was made by neither Open nor New")
	}
	err := s.watch(ctx, alive, changed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("postgres: watch: %w", err)
}

func (s *Store) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	var conn *sql.Conn
	err := within(ctx, connectTimeout, func(ctx context.Context) (err error) {
		conn, err = s.db.Conn(ctx)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		pg, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connections of %T: those of github.com/jackc/pgx/v5/stdlib are needed", c)
		}
		return errors.Join(watch(ctx, pg.Conn(), alive, changed), driver.ErrBadConn) // not for the pool: it listens
	})
}

// watch reports what conn is notified of until that fails.
func watch(ctx context.Context, conn *pgx.Conn, alive func(), changed func(store.Digest)) error {
	listen := func(ctx context.Context) error {
		_, err := conn.Exec(ctx, `LISTEN `+sqlstore.Channel)
		return err
	}
	if err := within(ctx, connectTimeout, listen); err != nil {
		return err
	}
	alive()
	for {
		// What was committed before the server answers a ping has been sent
		// before the answer. When nothing is left of it, and the ping was not
		// long ago, we know of everything until then.
		asked := time.Now()
		if err := within(ctx, beat, conn.Ping); err != nil {
			return err
		}
		if err := within(ctx, beat, func(ctx context.Context) error { return receive(ctx, conn, changed) }); err != nil {
			return err
		}
		if time.Since(asked) < fresh {
			alive()
		}
	}
}

// receive reports notifications until ctx ends, which is no error.
func receive(ctx context.Context, conn *pgx.Conn, changed func(store.Digest)) error {
	for {
		n, err := conn.WaitForNotification(ctx)
		switch {
		case err != nil && ctx.Err() != nil && !conn.IsClosed():
			return nil
		case err != nil:
			return err
		}
		var d store.Digest
		b, err := hex.DecodeString(n.Payload)
		if err != nil || len(b) != len(d) {
			return fmt.Errorf("notified of %q: not a digest", n.Payload)
		}
		copy(d[:], b)
		changed(d)
	}
}

// within calls f with at most so much time.
func within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}
