package services

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Postgres is a PostgreSQL server. Its superuser is "postgres", without a
// password, and it has a database of that name.
type Postgres struct {
	server
	bin string
}

// StartPostgres starts a PostgreSQL server that ends with the test. The arguments
// are settings, such as "log_statement=all".
func StartPostgres(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	path := Find(tb, "postgres", "/usr/lib/postgresql/*/bin/postgres", "/usr/pgsql-*/bin/postgres")
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the other programs are in the same directory
	}
	as := unprivileged(tb)
	p := &Postgres{server{tb: tb, name: "PostgreSQL", dir: directory(tb, as), port: freePort(tb), as: as}, filepath.Dir(path)}
	p.run("initdb", "--pgdata", p.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	p.serve(settings...)
	return p
}

// serve starts the server on its directory.
func (p *Postgres) serve(settings ...string) {
	p.tb.Helper()
	p.args = func() []string {
		args := []string{filepath.Join(p.bin, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.port), "-k", p.dir, "-c", "listen_addresses=127.0.0.1"}
		for _, s := range settings {
			args = append(args, "-c", s)
		}
		return args
	}
	p.ready = func() error {
		return p.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port)).Run()
	}
	p.tb.Cleanup(p.Kill)
	p.start()
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// DSN returns the DSN of the database with this name.
func (p *Postgres) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)), database)
}

// Dir returns the directory with the server's files.
func (p *Postgres) Dir() string { return p.dir }

// CreateDatabase creates an empty database with this name and returns its DSN.
func (p *Postgres) CreateDatabase(name string) string {
	p.tb.Helper()
	p.run("createdb", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "postgres", name)
	return p.DSN(name)
}

// StopImmediate stops the server like "pg_ctl stop -m immediate": it neither ends
// transactions nor writes its memory to disk.
func (p *Postgres) StopImmediate() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		p.tb.Fatal(err)
	}
	p.wait()
}

// Kill ends the server and its children with SIGKILL.
func (p *Postgres) Kill() {
	p.tb.Helper()
	if p.cmd == nil {
		return
	}
	p.Pause() // otherwise it would see its children die and start new ones
	orphans := children(p.tb, p.cmd.Process.Pid)
	p.server.Kill()
	for end := time.Now().Add(patience); len(orphans) > 0; { // the server cannot start again before they have ended
		if time.Now().After(end) {
			p.fail(fmt.Errorf("processes %v do not end", orphans))
		}
		if errors.Is(syscall.Kill(orphans[0], 0), syscall.ESRCH) {
			orphans = orphans[1:]
			continue
		}
		time.Sleep(time.Millisecond)
	}
}

// Query runs SQL as the superuser and returns its result.
func (p *Postgres) Query(query string) string {
	p.tb.Helper()
	return p.runPsql(p.port, "postgres", query)
}

func (p *Postgres) runPsql(port int, database, query string) string {
	p.tb.Helper()
	out, err := p.command("psql", "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "postgres", "-d", database, "-X", "-q", "-A", "-t", "-c", query).CombinedOutput()
	if err != nil {
		p.tb.Fatalf("services: %s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p *Postgres) run(program string, args ...string) {
	p.tb.Helper()
	if out, err := p.command(program, args...).CombinedOutput(); err != nil {
		p.tb.Fatalf("services: %s: %v\n%s", program, err, out)
	}
}

func (p *Postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return cmd
}
