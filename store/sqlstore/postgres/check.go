package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
)

// Check implements [store.Checker]. It reports a standby, a database that refuses
// writes, missing tables or privileges, notifications that do not arrive, settings
// that let a crash lose acknowledged writes, a clock that differs by more than
// [store.Skew], and a server that is almost out of connections. It also reports, once,
// how many notifications Watch has ignored. Check takes a few milliseconds, or a
// quarter of a second if notifications do not arrive.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.timeout)
	defer cancel()
	var errs []error
	for _, check := range []func(context.Context) error{s.checkServer, s.Store.Check, s.checkPrivileges, s.checkDelivery} {
		if err := check(ctx); err != nil {
			errs = append(errs, fmt.Errorf("postgres: check: %w", err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// A reading is the state and the settings of a server.
type reading struct {
	standby, readOnly                       bool
	fsync, fullPageWrites, synchronous      string
	encoding                                string
	now                                     time.Time
	connections, maxConnections, superusers int
}

const readServer = `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
	current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), current_setting('server_encoding'),
	clock_timestamp(), (SELECT sum(numbackends)::integer FROM pg_stat_database),
	current_setting('max_connections')::integer, current_setting('superuser_reserved_connections')::integer`

func (s *Store) checkServer(ctx context.Context) error {
	var r reading
	asked := time.Now()
	err := s.db.QueryRowContext(ctx, readServer).Scan(&r.standby, &r.readOnly, &r.fsync, &r.fullPageWrites, &r.synchronous, &r.encoding,
		&r.now, &r.connections, &r.maxConnections, &r.superusers)
	if err != nil {
		return err
	}
	return r.findings(asked, time.Now(), s.strays.Swap(0))
}

// findings returns the problems of a server that was read between two times.
func (r *reading) findings(asked, answered time.Time, strays int64) error {
	var errs []error
	find := func(found bool, format string, a ...any) {
		if found {
			errs = append(errs, fmt.Errorf(format, a...))
		}
	}
	find(r.standby, "the server is a standby; connect to the primary")
	find(r.readOnly && !r.standby, "transactions are read-only; set default_transaction_read_only to off")
	find(r.fsync != "on", "fsync is %s, so a crash of the machine loses revocations; set it to on", r.fsync)
	find(r.fullPageWrites != "on", "full_page_writes is %s, so a crash can damage the tables; set it to on", r.fullPageWrites)
	find(r.synchronous == "off", "synchronous_commit is off, so a crash loses the latest revocations; set it to on")
	find(r.encoding != "UTF8", "the encoding of the database is %s, so names with characters that it lacks are refused; use UTF8", r.encoding)
	find(r.now.Before(asked.Add(-store.Skew)) || r.now.After(answered.Add(store.Skew)),
		"the clocks of this process and of the server differ by %v; synchronize them", r.now.Sub(asked).Round(time.Second))
	room := r.maxConnections - r.superusers
	find(r.connections*10 > room*9, "%d of %d connections are in use; raise max_connections or use fewer", r.connections, room)
	find(strays > 0, "%d notifications since the last check are not from keystile; find the role that sends them", strays)
	return errors.Join(errs...)
}

const missingPrivileges = `SELECT t.name, t.privilege FROM (VALUES
		('keystile_credentials', 'SELECT'), ('keystile_credentials', 'INSERT'), ('keystile_credentials', 'UPDATE'),
		('keystile_credentials', 'DELETE'), ('keystile_migrations', 'SELECT')
	) AS t (name, privilege) WHERE to_regclass(t.name) IS NOT NULL AND NOT has_table_privilege(t.name, t.privilege)`

func (s *Store) checkPrivileges(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, missingPrivileges)
	if err != nil {
		return err
	}
	defer rows.Close()
	var errs []error
	for rows.Next() {
		var table, privilege string
		if err := rows.Scan(&table, &privilege); err != nil {
			return err
		}
		errs = append(errs, fmt.Errorf("the role lacks a privilege; GRANT %s ON %s", privilege, table))
	}
	return errors.Join(append(errs, rows.Err())...)
}

// checkDelivery sends a probe and waits for it, as Watch does.
func (s *Store) checkDelivery(ctx context.Context) error {
	err := s.listen(ctx, func(ctx context.Context, l *listener) error {
		return l.probe(ctx, func(store.Digest) {})
	})
	if err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	return nil
}
