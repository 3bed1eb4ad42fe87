package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A service that imports auth, bearer and store downloads this module alone: the
// drivers of databases, and the cookies' cryptography, are for those who use
// them.
func TestHostDownloadsLittle(t *testing.T) {
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir, cache := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/host\n\ngo 1.26\n\nrequire github.com/keystile/keystile v0.0.0\n\nreplace github.com/keystile/keystile => "+here+"\n")
	write("main.go", `package main

import (
	"log"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}}); err != nil {
		log.Fatal(err)
	}
}
`)
	// The modules come from this machine's cache, into an empty one.
	env := append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+cache, "GOSUMDB=off",
		"GOPROXY=file://"+filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))+","+goEnv(t, "GOPROXY"))
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("mod", "tidy")
	run("run", ".")
	downloaded, err := filepath.Glob(filepath.Join(cache, "*", "*", "*@*"))
	if err != nil || len(downloaded) > 0 {
		t.Errorf("the host has downloaded %q, %v", downloaded, err)
	}
	for _, line := range strings.Split(strings.TrimSpace(run("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")), "\n") {
		if line != "" && line != "example.com/host" && line != "github.com/keystile/keystile" {
			t.Errorf("the host is built with %s", line)
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
