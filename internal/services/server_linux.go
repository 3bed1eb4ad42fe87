package services

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start or to end.
const patience = 30 * time.Second

// A server is a process and its children.
type server struct {
	tb     testing.TB
	name   string
	dir    string // a temporary directory that the server owns
	port   int
	args   func() []string // the program and its arguments
	ready  func() error
	as     *syscall.Credential // nil: the user of the test
	cmd    *exec.Cmd           // nil: not running
	exited chan struct{}
}

// start starts the server and returns when it answers.
func (s *server) start() {
	s.tb.Helper()
	args := s.args()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	// If the test is killed, its servers end, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	err = errors.New("not asked yet")
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-exited:
			s.fail(fmt.Errorf("it has ended: %v", cmd.ProcessState))
		case <-time.After(10 * time.Millisecond):
		}
		if err = s.ready(); err == nil {
			return
		}
	}
	s.fail(err)
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

func (s *server) fail(err error) {
	s.tb.Helper()
	log, _ := os.ReadFile(s.log())
	s.tb.Fatalf("services: %s: %v\n%s", s.name, err, log)
}

// Start starts the server again, on the same port and with the same data.
func (s *server) Start() {
	s.tb.Helper()
	s.start()
}

// Kill ends the server and its children with SIGKILL, so that it cannot write
// anything more.
func (s *server) Kill() {
	s.tb.Helper()
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	s.wait()
}

func (s *server) wait() {
	s.tb.Helper()
	select {
	case <-s.exited:
		s.cmd = nil
	case <-time.After(patience):
		s.fail(errors.New("it does not end"))
	}
}

// Pause stops the server and its children with SIGSTOP. Connections stay open, but get
// no answers.
func (s *server) Pause() { s.tb.Helper(); s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *server) Resume() { s.tb.Helper(); s.signal(syscall.SIGCONT) }

// signal sends sig to the server and its children, which may have process groups
// of their own.
func (s *server) signal(sig syscall.Signal) {
	s.tb.Helper()
	pid := s.cmd.Process.Pid
	for _, pid := range append(children(s.tb, pid), pid) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.tb.Fatal(err)
		}
	}
}

// children returns the processes whose parent is pid.
func children(tb testing.TB, pid int) []int {
	tb.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	var found []int
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// "pid (comm) state ppid ...": comm may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			found = append(found, child)
		}
	}
	return found
}

// directory creates the directory of a server, which is owned by the server's user.
func directory(tb testing.TB, as *syscall.Credential) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "services")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			tb.Error(err)
		}
	})
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// unprivileged returns the user for servers if the test runs as root: a server should
// not run as root, and PostgreSQL refuses to.
func unprivileged(tb testing.TB) *syscall.Credential {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	postgres, err1 := user.Lookup("postgres")
	nobody, err2 := user.Lookup("nobody")
	u := cmp.Or(postgres, nobody)
	if u == nil {
		tb.Fatal(errors.Join(err1, err2))
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		tb.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// freePort returns a port on which no process listens.
func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
