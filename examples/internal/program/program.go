// Package program runs an example for its test, as a reader would: it builds the
// program, starts it, and pastes the curl lines that it prints.
package program

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
)

// End is the last line of what a program prints for its reader.
const End = "Ctrl-C ends it."

// A Program is an example that runs until its test ends.
type Program struct {
	Curl []string // the lines that it prints to be pasted, in order

	t   *testing.T
	dir string
	log lockedBuffer
}

// Start builds the program in the working directory and runs it on a free port.
func Start(t *testing.T) *Program {
	t.Helper()
	services.Find(t, "curl")
	p := &Program{t: t, dir: t.TempDir()}
	bin := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "-addr", "localhost:0")
	cmd.Stderr = &p.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var rest sync.WaitGroup
	t.Cleanup(func() { cmd.Process.Kill(); rest.Wait(); cmd.Wait() })
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v before %q\n%s", err, End, p.log.String())
		}
		line = strings.TrimSpace(line)
		if line == End {
			break
		}
		if strings.HasPrefix(line, "curl ") {
			p.Curl = append(p.Curl, line)
		}
	}
	rest.Go(func() { io.Copy(&p.log, lines) })
	return p
}

// Paste gives line to a shell and returns the response. Every line has the same
// working directory, so that one finds the cookies of another.
func (p *Program) Paste(line string) (*http.Response, string) {
	p.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = p.dir
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return res, string(body)
}

// Want pastes every line and compares the statuses of the responses, in order.
func (p *Program) Want(statuses ...int) {
	p.t.Helper()
	if len(p.Curl) != len(statuses) {
		p.t.Fatalf("%d curl lines, want %d: %q", len(p.Curl), len(statuses), p.Curl)
	}
	for i, line := range p.Curl {
		if res, body := p.Paste(line); res.StatusCode != statuses[i] {
			p.t.Errorf("%s\n%s, want %d\n%s", line, res.Status, statuses[i], body)
		}
	}
}

// WantLog waits for a match of what the program writes to its log, or prints after
// the lines for its reader, and returns the submatches.
func (p *Program) WantLog(expr string) []string {
	p.t.Helper()
	re := regexp.MustCompile(expr)
	deadline := time.Now().Add(10 * time.Second)
	for {
		text := p.log.String()
		if m := re.FindStringSubmatch(text); m != nil {
			return m
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("nothing in the log matches %s:\n%s", expr, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
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
