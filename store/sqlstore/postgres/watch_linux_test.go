package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// A watching is a Watch in progress, with its reports.
type watching struct {
	end  context.CancelFunc
	done chan error // the error of Watch after it has returned

	mu      sync.Mutex
	alive   []time.Time
	changed []store.Digest
}

// watch returns when the Watch of st is alive.
func watch(t testing.TB, st store.Watcher) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w := &watching{end: cancel, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		w.done <- st.Watch(ctx, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.alive = append(w.alive, time.Now()); len(w.alive) == 1 {
				close(ready)
			}
		}, func(d store.Digest) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed = append(w.changed, d)
		})
	}()
	t.Cleanup(cancel)
	select {
	case <-ready:
	case err := <-w.done:
		t.Fatal(err)
	}
	return w
}

// heard returns the digests that were reported since the last call, in hexadecimal.
func (w *watching) heard() (ds []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.changed {
		ds = append(ds, hex.EncodeToString(d[:]))
	}
	w.changed = nil
	return ds
}

// hears waits until exactly the credentials with these IDs were reported.
func (w *watching) hears(t testing.TB, what string, st store.Store, ids ...string) {
	t.Helper()
	// Make one more change: when that is reported, all earlier ones have been, too.
	last := credential(fmt.Sprint("after ", what))
	insert(t, st, last)
	want := make(map[string]bool)
	for _, id := range append(ids, last.ID) {
		d := credential(id).Digest
		want[hex.EncodeToString(d[:])] = true
	}
	end := hex.EncodeToString(last.Digest[:])
	var got []string
	service.Until(t, what, 5*time.Second, func() bool {
		got = append(got, w.heard()...)
		return len(got) > 0 && got[len(got)-1] == end
	})
	for _, d := range got {
		if !want[d] {
			t.Errorf("%s: more was reported than wanted", what)
		}
		delete(want, d)
	}
	if len(want) > 0 {
		t.Errorf("%s: %d changes were not reported", what, len(want))
	}
}

// R1 R2: Watch reports the changes of another process when they are committed, and
// nothing else.
func TestWatch(t *testing.T) {
	dsn := empty(t)
	st, other, db := open(t, dsn), open(t, dsn), pool(t, dsn)
	w := watch(t, st)
	ctx := t.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c", "used"} {
		insert(t, other, credential(id))
	}
	w.hears(t, "insert", other, "a", "b", "c", "used")
	do(other.Rotate(ctx, "a", epoch, credential("next"), store.Limits{}))
	w.hears(t, "rotate", other, "a", "next")

	do(other.Touch(ctx, []store.Use{{ID: "used", At: epoch}}))
	w.hears(t, "touch", other)
	_, err := other.Update(ctx, "used", store.Changes{Name: new(string)})
	do(err)
	w.hears(t, "update", other, "used")
	if _, err := other.Revoke(ctx, store.Filter{ID: "used"}, epoch); err != nil {
		t.Fatal(err)
	}
	w.hears(t, "revoke", other, "used")
	if _, err := other.Revoke(ctx, store.Filter{ID: "used"}, epoch); err != nil {
		t.Fatal(err)
	}
	w.hears(t, "revoke again", other)
	if n, err := other.Prune(ctx, store.PruneBefore{Ended: epoch.Add(1), Rotated: epoch.Add(1)}); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if n, err := other.Prune(ctx, store.PruneBefore{Ended: epoch.Add(time.Microsecond), Rotated: epoch.Add(time.Microsecond)}); err != nil || n != 2 { // "a" ended, "used" was revoked
		t.Fatal(n, err)
	}
	w.hears(t, "prune", other)

	_, taken := other.Insert(ctx, credential("b"), store.Limits{})
	_, limit := other.Insert(ctx, credential("new"), store.Limits{Active: 1})
	for _, refused := range []error{taken, limit, other.Rotate(ctx, "nobody", epoch, credential("x"), store.Limits{}), other.Rotate(ctx, "b", epoch, credential("c"), store.Limits{})} {
		if refused == nil {
			t.Fatal("not refused")
		}
	}
	w.hears(t, "refusals", other)

	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(ctx, nil)
		do(err)
		insert(t, other.Tx(tx), credential("hosts"))
		if _, err := other.Tx(tx).Revoke(ctx, store.Filter{ID: "b"}, epoch); err != nil {
			t.Fatal(err)
		}
		if commit {
			do(tx.Commit())
			w.hears(t, "a commit", other, "hosts", "b")
		} else {
			w.hears(t, "a transaction under way", other)
			do(tx.Rollback())
			w.hears(t, "a rollback", other)
		}
	}
	all := []string{"b", "c", "next", "hosts"} // of ada; b is revoked
	if _, err := other.Revoke(ctx, store.Filter{Subject: "ada"}, epoch); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"insert", "rotate", "touch", "update", "revoke", "revoke again", "prune", "refusals", "a transaction under way", "a rollback", "a commit"} {
		all = append(all, "after "+what)
	}
	got := 0
	service.Until(t, "all of them", 5*time.Second, func() bool { got += len(w.heard()); return got >= len(all)-1 })
	w.end()
	if err := <-w.done; err != context.Canceled {
		t.Errorf("Watch returned %v, want %v", err, context.Canceled)
	}
	if got += len(w.heard()); got != len(all)-1 {
		t.Errorf("%d reported, want %d", got, len(all)-1)
	}
}

// R2: alive is called at once and then twice a second. Each time, all changes that
// were complete half a second before have been reported, even while changes continue.
func TestWatchAlive(t *testing.T) {
	dsn := empty(t)
	st, other := open(t, dsn), open(t, dsn)
	var mu sync.Mutex
	complete := make(map[store.Digest]time.Time) // not reported yet
	early := make(map[store.Digest]bool)         // reported before Insert has returned
	var since time.Time                          // when Watch began to report
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var writers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c, began := credential(fmt.Sprint(n, " ", i)), time.Now()
				if _, err := other.Insert(ctx, c, store.Limits{}); err != nil {
					return
				}
				mu.Lock()
				if !early[c.Digest] && began.After(since) {
					complete[c.Digest] = time.Now()
				}
				delete(early, c.Digest)
				mu.Unlock()
			}
		})
	}
	beats, reported := 0, 0
	previous, intervals := time.Now(), []time.Duration(nil)
	var fresh bool
	var err error
	alive := func() {
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		if beats++; fresh { // earlier changes need not be reported
			clear(complete)
			since = now
			fresh, previous = false, now
		}
		intervals, previous = append(intervals, now.Sub(previous)), now
		for d, at := range complete {
			if now.Sub(at) >= 500*time.Millisecond {
				t.Errorf("alive %v after a change that was not reported", now.Sub(at))
				delete(complete, d)
			}
		}
	}
	changed := func(d store.Digest) {
		mu.Lock()
		defer mu.Unlock()
		if _, ok := complete[d]; !ok {
			early[d] = true
		}
		delete(complete, d)
		reported++
	}
	for ctx.Err() == nil { // Watch may return if the machine is too busy
		fresh = true
		err = st.Watch(ctx, alive, changed)
	}
	writers.Wait()
	if err != context.DeadlineExceeded {
		t.Errorf("Watch returned %v, want %v", err, context.DeadlineExceeded)
	}
	slices.Sort(intervals)
	if n := len(intervals); n > 0 && intervals[n/2] > 500*time.Millisecond { // the median, because the machine may be busy
		t.Errorf("alive every %v", intervals)
	}
	if beats < 5 || reported < 100 {
		t.Errorf("%d times alive, %d reported: too few to prove anything", beats, reported)
	}
}

// B6: Watch leaves no goroutine and no connection behind, and no connection that
// listens.
func TestWatchLeavesNothing(t *testing.T) {
	dsn := empty(t)
	observer := pool(t, dsn)
	observer.SetMaxOpenConns(1)
	db := pool(t, dsn)
	db.SetMaxOpenConns(2)
	db.SetMaxIdleConns(-1)
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, dsn).Close(); err != nil { // creates the tables
		t.Fatal(err)
	}
	connections := func() int {
		return count(t, observer, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}
	service.Until(t, "no connection", 5*time.Second, func() bool { return connections() == 0 })
	before := runtime.NumGoroutine()
	soonest := time.Hour
	for range 5 {
		start := time.Now()
		w := watch(t, st)
		soonest = min(soonest, time.Since(start))
		service.Until(t, "one connection", 5*time.Second, func() bool { return connections() == 1 }) // the previous one may still be closing
		w.end()
		if err := <-w.done; err != context.Canceled {
			t.Error(err)
		}
		if n := db.Stats().OpenConnections; n != 0 {
			t.Errorf("%d connections in the pool, want none", n)
		}
	}
	if soonest > 200*time.Millisecond {
		t.Errorf("alive after %v, want it at once", soonest)
	}
	if n := count(t, db, `SELECT count(*) FROM pg_listening_channels()`); n != 0 {
		t.Errorf("the pool listens to %d channels", n)
	}
	db.Close()
	service.Until(t, "no connection", 5*time.Second, func() bool { return connections() == 0 })
	service.Until(t, "no goroutine", 5*time.Second, func() bool { return runtime.NumGoroutine() <= before })
}

// A Watch that may miss changes returns soon.
func TestWatchFails(t *testing.T) {
	server := faulty(t)
	dsn := server.CreateDatabase("watched")
	killer := pool(t, server.DSN("postgres"))
	tests := []struct {
		name     string
		down, up func()
		within   time.Duration
	}{
		{"backend terminated", func() {
			exec(t, killer, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'watched'`)
		}, func() {}, time.Second},
		{"paused", server.Pause, server.Resume, 1200 * time.Millisecond},
		{"killed", server.Kill, server.Start, time.Second},
		{"stopped", server.StopImmediate, server.Start, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := open(t, dsn)
			w := watch(t, st)
			tt.down()
			start := time.Now()
			select {
			case err := <-w.done:
				if took := time.Since(start); took > tt.within {
					t.Errorf("Watch returned after %v, want %v", took, tt.within)
				}
				if err == nil || !strings.HasPrefix(err.Error(), "postgres: watch: ") || errors.Is(err, store.ErrNotFound) {
					t.Errorf("Watch returned %v, want an error", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("Watch does not return")
			}
			if tt.name != "backend terminated" {
				failing := make(chan error, 1)
				go func() {
					failing <- st.Watch(context.WithoutCancel(t.Context()), func() { t.Error("alive") }, func(store.Digest) {})
				}()
				select {
				case err := <-failing:
					if err == nil {
						t.Error("no error")
					}
				case <-time.After(5 * time.Second):
					t.Error("another Watch does not return while the server does not answer")
				}
			}
			tt.up()
			var again *watching
			service.Until(t, "the server", 5*time.Second, func() bool {
				_, err := st.Insert(t.Context(), credential(tt.name), store.Limits{})
				return err == nil || errors.Is(err, store.ErrExists) // an earlier attempt succeeded, but its answer came too late
			})
			again = watch(t, st)
			again.hears(t, tt.name, st)
			again.end()
			if err := <-again.done; err != context.Canceled {
				t.Error(err)
			}
		})
	}
}

// A Watch that still waits for a connection also ends with its context.
func TestWatchCancelled(t *testing.T) {
	dsn := empty(t)
	open(t, dsn)
	db := pool(t, dsn)
	db.SetMaxOpenConns(2)
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // until then the pool has no free connection
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := st.Watch(ctx, func() { t.Error("alive") }, func(store.Digest) {}); err != context.DeadlineExceeded {
		t.Errorf("Watch returned %v, want %v", err, context.DeadlineExceeded)
	}
}

// otherDriver is a driver without a database.
type otherDriver struct {
	driver.Connector
	driver.Conn
}

func (d otherDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d otherDriver) Driver() driver.Driver                        { return nil }
func (d otherDriver) Close() error                                 { return nil }

// Watch returns an error for connections of another driver.
func TestWatchOtherDriver(t *testing.T) {
	db := sql.OpenDB(otherDriver{})
	defer db.Close()
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Watch(t.Context(), func() { t.Error("alive") }, func(store.Digest) {})
	if err == nil || !strings.Contains(err.Error(), "pgx/v5/stdlib") {
		t.Errorf("Watch of another driver: %v", err)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections in use", n)
	}
}

// E13: Watch ignores notifications by other roles that are not digests. Check reports
// them only once, so that no role can make a service unhealthy for ever.
func TestWatchForeignPayload(t *testing.T) {
	dsn := empty(t)
	st := open(t, dsn)
	w := watch(t, st)
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("Check before: %v", err)
	}
	for _, payload := range []string{"", "x", "00", strings.Repeat("00", 31), strings.Repeat("00", 33), strings.Repeat("zz", 32)} {
		exec(t, pool(t, dsn), fmt.Sprintf(`SELECT pg_notify('keystile_changed', '%s')`, payload))
	}
	w.hears(t, "foreign payloads", st)
	if err := st.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "6 notifications") {
		t.Errorf("Check: %v, want 6 notifications counted", err)
	}
	if err := st.Check(t.Context()); err != nil {
		t.Errorf("Check once they were reported: %v", err)
	}
}

// A Watch that begins with an idle connection to a server that does not answer also
// returns.
func TestWatchBeginsPaused(t *testing.T) {
	server := faulty(t)
	dsn := server.DSN("postgres")
	open(t, dsn)
	db := pool(t, dsn)
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Get(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	server.Pause()
	defer server.Resume()
	time.Sleep(1100 * time.Millisecond) // from then on the driver pings a connection before it uses it
	done := make(chan error, 1)
	go func() {
		done <- st.Watch(context.WithoutCancel(t.Context()), func() { t.Error("alive") }, func(store.Digest) {})
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Watch returned %v, want %v", err, context.DeadlineExceeded)
		}
	case <-time.After(5 * time.Second):
		t.Error("Watch does not return")
	}
	go func() {
		st, err := postgres.Open(context.WithoutCancel(t.Context()), dsn)
		if err == nil {
			st.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("Open succeeds")
		}
	case <-time.After(8 * time.Second):
		t.Error("Open does not return")
	}
}
