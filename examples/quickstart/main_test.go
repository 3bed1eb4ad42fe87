package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/services"
)

const readme = "../../README.md"

// TestReadme checks that the program in the README is this one, and that the
// transcript below it is what curl prints.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```go\n"+string(source)+"```\n") {
		t.Error("the README does not hold main.go as it is")
	}
	if lines := strings.Count(string(source), "\n"); lines >= 60 {
		t.Errorf("main.go has %d lines: under 60 are wanted", lines)
	}

	services.Find(t, "curl")
	curl := serve(t, string(source))
	for _, call := range transcript(t, string(text)) {
		line := curl
		if !strings.Contains(call.command, "Authorization") {
			line = regexp.MustCompile(` -H '.*?'`).ReplaceAllString(curl, "")
		}
		out, err := exec.Command("sh", "-c", line).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := normal(string(out)); got != normal(call.answer) {
			t.Errorf("%s\n\ngot:\n%s\n\nthe README says:\n%s", call.command, got, normal(call.answer))
		}
	}
}

// serve builds the program with another port, runs it until the test ends, and
// returns the line that it prints.
func serve(t *testing.T, source string) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()

	dir := t.TempDir()
	main, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(dir, "main.go")
	overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {main: moved}})
	for name, text := range map[string]string{
		moved:                              strings.ReplaceAll(source, "8080", port),
		filepath.Join(dir, "overlay.json"): string(overlay),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "quickstart")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(strings.TrimSpace(line), "curl ", "curl --silent ", 1)
}

type exchange struct{ command, answer string }

// transcript returns the curl calls of the README's first console block.
func transcript(t *testing.T, text string) []exchange {
	t.Helper()
	_, block, ok := strings.Cut(text, "```console\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatal("the README has no console block")
	}
	var calls []exchange
	for _, part := range strings.Split(block, "$ ")[1:] {
		command, answer, _ := strings.Cut(part, "\n")
		if strings.HasPrefix(command, "curl ") {
			calls = append(calls, exchange{command, answer})
		}
	}
	if len(calls) != 2 {
		t.Fatalf("%d curl calls in the README, want 2", len(calls))
	}
	return calls
}

// normal returns a response with its date left out and without the line ends of
// HTTP.
func normal(s string) string {
	s = strings.ReplaceAll(s, "\r", "")
	return strings.TrimSpace(regexp.MustCompile(`Date: .*`).ReplaceAllString(s, "Date: …"))
}
