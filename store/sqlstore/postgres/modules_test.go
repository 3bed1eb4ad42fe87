package postgres_test

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// S17: a program that uses PostgreSQL depends on its driver, but neither on SQLite
// nor on a migration tool.
func TestModules(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := "module example.com/service\n\ngo 1.26.0\n"
	for path, at := range map[string]string{"": "", "/store/sqlstore": "/store/sqlstore", "/store/sqlstore/postgres": "/store/sqlstore/postgres"} {
		mod += fmt.Sprintf("require github.com/keystile/keystile%s v0.0.0\nreplace github.com/keystile/keystile%s => %s\n", path, path, filepath.ToSlash(root)+at)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	program := `package main

import (
	_ "github.com/keystile/keystile/bearer"
	_ "github.com/keystile/keystile/store/sqlstore/postgres"
)

func main() {}
`
	for name, content := range map[string]string{"go.mod": mod, "go.sum": string(sum), "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"mod", "graph"}, {"list", "-deps", "."}} {
		cmd := osexec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off") // all modules are in the cache
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, stderr.String())
		}
		if !strings.Contains(string(out), "github.com/jackc/pgx/v5") {
			t.Errorf("go %v: without pgx:\n%s", args, out)
		}
		for _, unwanted := range []string{"sqlite", "modernc.org", "goose", "protobuf"} {
			if strings.Contains(string(out), unwanted) {
				t.Errorf("go %v: has %s", args, unwanted)
			}
		}
	}
}
