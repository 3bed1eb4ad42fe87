package services

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// StartStandby starts a streaming standby of p and returns it when it has caught up.
func (p *Postgres) StartStandby(tb testing.TB) *Postgres {
	tb.Helper()
	s := &Postgres{server{tb: tb, name: "PostgreSQL standby", dir: directory(tb, p.as), port: freePort(tb), as: p.as}, p.bin}
	s.run("pg_basebackup", "--pgdata", s.data(), "--write-recovery-conf", "--checkpoint", "fast", "--no-sync",
		"--host", "127.0.0.1", "--port", strconv.Itoa(p.port), "--username", "postgres")
	s.serve()
	s.AwaitReplay(p)
	return s
}

// AwaitReplay waits until a standby has replayed everything that the primary has
// written.
func (p *Postgres) AwaitReplay(primary *Postgres) { p.await("pg_last_wal_replay_lsn", primary) }

// AwaitReceipt waits until a standby has received everything that the primary has
// written, whether or not it has replayed it.
func (p *Postgres) AwaitReceipt(primary *Postgres) { p.await("pg_last_wal_receive_lsn", primary) }

func (p *Postgres) await(position string, primary *Postgres) {
	p.tb.Helper()
	written := primary.Query("SELECT pg_current_wal_lsn()")
	for end := time.Now().Add(patience); p.Query(fmt.Sprintf("SELECT %s() >= '%s'", position, written)) != "t"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.fail(fmt.Errorf("the standby does not catch up"))
		}
	}
}

// PauseReplay makes a standby fall behind.
func (p *Postgres) PauseReplay() {
	p.tb.Helper()
	p.Query("SELECT pg_wal_replay_pause()")
	for end := time.Now().Add(patience); p.Query("SELECT pg_get_wal_replay_pause_state()") != "paused"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.fail(fmt.Errorf("the standby does not pause"))
		}
	}
}

// Promote turns a standby into a primary.
func (p *Postgres) Promote() {
	p.tb.Helper()
	p.Query("SELECT pg_wal_replay_resume()")
	p.Query("SELECT pg_promote(true)")
}

// A PgBouncer is a PgBouncer in transaction mode.
type PgBouncer struct{ server }

// StartPgBouncer starts a pooler in front of p.
func (p *Postgres) StartPgBouncer(tb testing.TB) *PgBouncer {
	tb.Helper()
	path := Find(tb, "pgbouncer", "/usr/sbin/pgbouncer")
	b := &PgBouncer{server{tb: tb, name: "PgBouncer", dir: directory(tb, p.as), port: freePort(tb), as: p.as}}
	config := filepath.Join(b.dir, "pgbouncer.ini")
	b.target(config, p)
	b.args = func() []string { return []string{path, config} }
	b.ready = func() error {
		return p.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(b.port)).Run()
	}
	tb.Cleanup(b.Kill)
	b.start()
	return b
}

func (b *PgBouncer) target(config string, p *Postgres) {
	b.tb.Helper()
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
admin_users = postgres
pool_mode = transaction
`, p.port, b.port)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		b.tb.Fatal(err)
	}
}

// Retarget makes the pooler connect to another server from now on, like a change of a
// DNS name.
func (b *PgBouncer) Retarget(p *Postgres) {
	b.tb.Helper()
	b.target(filepath.Join(b.dir, "pgbouncer.ini"), p)
	p.runPsql(b.port, "pgbouncer", "RELOAD")
	p.runPsql(b.port, "pgbouncer", "RECONNECT")
}

// DSN returns the DSN of a database through the pooler.
func (b *PgBouncer) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", b.port, database)
}
