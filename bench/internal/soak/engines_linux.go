package soak

import (
	"cmp"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
)

// start starts the service on an engine, and ends it with the test.
func start(tb testing.TB, engine string) (*service, error) {
	s := &service{name: engine, client: newClient()}
	p := &process{job: job{Engine: engine, Addr: "127.0.0.1:0"}}
	switch base, _, _ := strings.Cut(engine, "+"); base {
	case "memory":
		s.prunes = true
		s.faults = s.memoryFaults()
	case "sqlite":
		dir, err := os.MkdirTemp("", "soak")
		if err != nil {
			return nil, err
		}
		tb.Cleanup(func() { os.RemoveAll(dir) })
		p.job.Source = filepath.Join(dir, "credentials.db")
		s.dies = true
		s.faults = sqliteFaults(p)
	case "postgres":
		server := services.StartPostgres(tb)
		p.job.Source = server.DSN("postgres")
		s.faults = append(serverFaults(server), fault{"connections cut", func(*rand.Rand) error { return cutPostgres(p.job.Source) }})
	case "redis":
		// Rewritten early, its log is short, and it is soon back after a kill.
		server := services.StartRedis(tb, "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-min-size", "4mb")
		p.job.Source = server.Addr()
		s.faults = append(serverFaults(server), fault{"connections cut", func(*rand.Rand) error {
			_, err1 := server.Do("CLIENT", "KILL", "TYPE", "normal")
			_, err2 := server.Do("CLIENT", "KILL", "TYPE", "pubsub")
			return cmp.Or(err1, err2)
		}})
	default:
		return nil, fmt.Errorf("soak: engine %q: there are %s", engine, strings.Join(Engines, ", "))
	}
	if err := p.start(); err != nil {
		return nil, err
	}
	tb.Cleanup(func() {
		if err := p.stop(); err != nil {
			tb.Error(err)
		}
	})
	s.url = "http://" + p.job.Addr
	return s, nil
}

// A server can be treated badly.
type server interface {
	Kill()
	Start()
	Pause()
	Resume()
}

// serverFaults leaves a server dead for a while, or silent for longer than the
// two seconds that a store waits.
func serverFaults(server server) []fault {
	return []fault{
		{"killed", func(rng *rand.Rand) error {
			server.Kill()
			time.Sleep(upTo(rng, 2*time.Second))
			server.Start()
			return nil
		}},
		{"paused", func(rng *rand.Rand) error {
			server.Pause()
			time.Sleep(2500*time.Millisecond + upTo(rng, 2*time.Second))
			server.Resume()
			return nil
		}},
	}
}

func cutPostgres(dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	return err
}

// sqliteFaults kills and pauses the process that serves, and lets another one
// hold the lock for longer than the store waits.
func sqliteFaults(p *process) []fault {
	return []fault{
		{"killed", func(rng *rand.Rand) error {
			if err := p.kill(); err != nil {
				return err
			}
			time.Sleep(upTo(rng, 2*time.Second))
			return p.start()
		}},
		{"paused", func(rng *rand.Rand) error {
			if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				return err
			}
			time.Sleep(upTo(rng, 3*time.Second))
			return p.cmd.Process.Signal(syscall.SIGCONT)
		}},
		{"locked", func(rng *rand.Rand) error {
			db, err := sql.Open("sqlite", "file:"+p.job.Source+"?_txlock=immediate&_pragma=busy_timeout(10000)")
			if err != nil {
				return err
			}
			defer db.Close()
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			time.Sleep(2500*time.Millisecond + upTo(rng, 2*time.Second))
			return tx.Rollback()
		}},
	}
}
