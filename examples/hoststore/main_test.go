package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		db, err := open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return accessKeys{db}
	})
}

// TestMain lets the test's own program be the service, in a process that asks for
// that.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_SERVICE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// What another process writes to the table, the service sees on the next request.
func TestService(t *testing.T) {
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a?b.db")
	cmd := exec.Command(bin, "-addr", "localhost:0", "-db", path)
	cmd.Env = append(os.Environ(), "BE_THE_SERVICE=1")
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
	m := regexp.MustCompile(`'Authorization: (.*)' (http:.*)\n`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("it printed %q", line)
	}
	want := func(authorization string, status int) {
		t.Helper()
		r, _ := http.NewRequest("GET", m[2], nil)
		r.Header.Set("Authorization", authorization)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s, want %d", res.Status, status)
		}
	}
	want("", 401)
	want(m[1], 200)
	db, err := open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE access_keys SET blocked = ? WHERE owner = 'ada'`, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	want(m[1], 401)
	if _, err := db.Exec(`ALTER TABLE access_keys RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	want(m[1], 503)
}
