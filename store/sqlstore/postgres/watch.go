package postgres

import (
	"context"
	"crypto/rand"
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
	// beat bounds the time to send a probe, and the time until it arrives. The two
	// must add up to less than the half second of [store.Watcher]. beat is also
	// about the pause until the next probe.
	beat  = 240 * time.Millisecond
	fresh = 500 * time.Millisecond
)

var errUndelivered = errors.New("a notification from another connection did not arrive; connect to the server itself, or through a pooler that pools sessions, not transactions")

// Watch implements [store.Watcher], by LISTEN. Every transaction that changes
// credentials sends notifications, so Watch reports only committed changes.
//
// Four times a second Watch sends a probe, a notification from another connection.
// When the probe arrives, all earlier notifications have arrived, too. If it does not
// arrive, Watch returns an error: a pooler in transaction mode accepts LISTEN, but
// drops notifications. Watch also returns an error if the server is a standby. It
// takes one connection of the pool, and another one for a moment for each probe.
//
// Any role of the database can send notifications. Watch ignores payloads that are
// not digests, and [Store.Check] reports them. A forged digest only makes a cache ask
// the database once more.
func (s *Store) Watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	err := s.watch(ctx, alive, changed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("postgres: watch: %w", err)
}

func (s *Store) watch(ctx context.Context, alive func(), changed func(store.Digest)) error {
	return s.listen(ctx, func(ctx context.Context, l *listener) error {
		if _, err := l.conn.Exec(ctx, `LISTEN `+sqlstore.Channel); err != nil {
			return err
		}
		for {
			sent := time.Now()
			if err := l.probe(ctx, changed); err != nil {
				return err
			}
			if time.Since(sent) < fresh {
				alive()
			}
			if err := l.receive(ctx, beat, changed); err != nil {
				return err
			}
		}
	})
}

// A listener is a connection that receives notifications. Its own probes arrive on a
// channel with a random name.
type listener struct {
	store   *Store
	conn    *pgx.Conn
	channel string
	probes  int // how many were sent
	arrived int // the number of the latest probe that has arrived
}

// listen calls f with a connection, which the pool closes afterwards.
func (s *Store) listen(ctx context.Context, f func(ctx context.Context, l *listener) error) error {
	if s.db.Stats().MaxOpenConnections == 1 {
		return errors.New("the pool has one connection; allow two or more, as notifications are sent on one and received on another")
	}
	var conn *sql.Conn
	err := within(ctx, connectTimeout, func(ctx context.Context) (err error) {
		conn, err = s.db.Conn(ctx)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	var failure error
	err = conn.Raw(func(c any) error {
		pg, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connections of %T: must be those of github.com/jackc/pgx/v5/stdlib", c)
		}
		l := &listener{store: s, conn: pg.Conn(), channel: "keystile_probe_" + rand.Text()}
		failure = within(ctx, connectTimeout, func(ctx context.Context) error {
			_, err := l.conn.Exec(ctx, `LISTEN "`+l.channel+`"`)
			return err
		})
		if failure == nil {
			failure = f(ctx, l)
		}
		return driver.ErrBadConn // it listens, so the pool must close it
	})
	if err == driver.ErrBadConn {
		return failure
	}
	return err
}

// probe sends a probe from another connection, and receives notifications until it
// arrives.
func (l *listener) probe(ctx context.Context, changed func(store.Digest)) error {
	l.probes++
	payload := fmt.Sprint(l.probes)
	err := within(ctx, beat, func(ctx context.Context) error {
		// A standby returns an error.
		_, err := l.store.db.ExecContext(ctx, `SELECT pg_notify($1::text, $2::text)`, l.channel, payload)
		return err
	})
	if err != nil {
		return err
	}
	if err := l.receive(ctx, beat, changed); err != nil {
		return err
	}
	if l.arrived < l.probes && ctx.Err() == nil {
		return errUndelivered
	}
	return ctx.Err()
}

// receive reports notifications for the given time. If the latest probe has not
// arrived yet, it returns as soon as that arrives.
func (l *listener) receive(ctx context.Context, d time.Duration, changed func(store.Digest)) error {
	waiting := l.arrived < l.probes
	return within(ctx, d, func(ctx context.Context) error {
		for !waiting || l.arrived < l.probes {
			n, err := l.conn.WaitForNotification(ctx)
			switch {
			case err != nil && ctx.Err() != nil && !l.conn.IsClosed():
				return nil
			case err != nil:
				return err
			case n.Channel == l.channel:
				if n.Payload == fmt.Sprint(l.probes) {
					l.arrived = l.probes
				}
				continue
			}
			var d store.Digest
			b, err := hex.DecodeString(n.Payload)
			if err != nil || copy(d[:], b) != len(b) || len(b) != len(d) {
				l.store.strays.Add(1)
				continue
			}
			changed(d)
		}
		return nil
	})
}

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, d store.Digest) error {
	err := within(ctx, s.timeout, func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, `SELECT pg_notify('`+sqlstore.Channel+`', $1::text)`, hex.EncodeToString(d[:]))
		return err
	})
	if err != nil {
		return fmt.Errorf("postgres: notify: %w", err)
	}
	return nil
}

// within calls f with a timeout.
func within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}
