package tutorial

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keystile/keystile/internal/services"
)

const (
	patience = 2 * time.Minute // the first build is slow

	// refused is what whoever has signed out is told while there is a database.
	refused = `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}` + "\n401\n"
)

// TestTutorial writes the files of docs/tutorial.md into an empty directory,
// starts what it starts, and pastes its commands: they print what the page says.
func TestTutorial(t *testing.T) {
	services.Find(t, "curl")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	database := services.StartPostgres(t)
	r := &reader{t: t, dir: t.TempDir(), env: append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")}
	r.here = strings.NewReplacer(
		"../keystile", root,
		"localhost:8080", freeAddr(t),
		"localhost:8081", freeAddr(t),
		"postgres://postgres:reports@localhost:5432/postgres", database.DSN("postgres"),
	)
	for _, s := range read(t) {
		if !t.Run(s.title, func(t *testing.T) {
			r.t = t
			for i, b := range s.blocks {
				switch {
				case b.language == "go":
					r.write(b.file, b.text)
				case b.language != "sh" || strings.HasPrefix(b.text, "docker "): // the test has a server of its own
				case strings.HasPrefix(lastLine(b.text), "go run . "):
					r.start(b.text)
				case i+1 < len(s.blocks) && s.blocks[i+1].language == "text":
					if strings.Count(b.text, "\n") == 1 { // the last one of all
						database.StopImmediate()
						r.until(b.text, s.blocks[i+1].text)
						database.Start()
						r.until(b.text, refused)
						continue
					}
					if diff := cmp.Diff(s.blocks[i+1].text, r.paste(b.text)); diff != "" {
						t.Errorf("%s\nthe page says -, it prints +\n%s", b.text, diff)
					}
				default:
					r.paste(b.text)
				}
			}
			r.paste("go vet .")
		}) {
			return
		}
	}
}

// A reader does in dir what the page says.
type reader struct {
	t    *testing.T
	dir  string
	env  []string
	here *strings.Replacer // for names that are others here
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(r.here.Replace(text)), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) command(lines string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", "set -e\n"+r.here.Replace(lines))
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// paste returns what the lines print.
func (r *reader) paste(lines string) string {
	r.t.Helper()
	cmd := r.command(lines)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%s\n%v\n%s%s", lines, err, out, stderr.String())
	}
	return string(out)
}

// start runs the service, until the end of the section, and waits until it
// listens. If it prints a token, that is set for what is pasted afterwards.
func (r *reader) start(lines string) {
	r.t.Helper()
	cmd := r.command(lines)
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	r.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // go run has a child
		<-ended
	})
	addr := r.here.Replace("localhost:8080")
	if flag := regexp.MustCompile(`-addr (\S+)`).FindStringSubmatch(lines); flag != nil {
		addr = r.here.Replace(flag[1])
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			break
		}
		select {
		case <-ended:
			r.t.Fatalf("%s\nhas ended:\n%s", lines, log.String())
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s\ndoes not listen on %s:\n%s", lines, addr, log.String())
		}
	}
	if token := regexp.MustCompile(`(?m)^TOKEN=.*$`).FindString(log.String()); token != "" {
		r.env = append(r.env, token)
	}
}

// until pastes the lines until they print what is wanted.
func (r *reader) until(lines, want string) {
	r.t.Helper()
	begun := time.Now()
	for {
		got := r.paste(lines)
		if got == want {
			return
		}
		if time.Since(begun) > 10*time.Second {
			r.t.Fatalf("%s\nprints after %v\n%s, the page says\n%s", lines, time.Since(begun), got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
