package sqlite_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// A test that needs another process starts this program again, with the environment
// variable childOf set to the path of a database.
const childOf = "KEYSTILE_TEST_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childOf); path != "" {
		pause, err := time.ParseDuration(os.Args[1])
		if err == nil {
			err = write(path, pause)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// write opens the database, and issues, rotates and revokes until its standard input
// ends. It pauses between the steps. It prints each step before and after it.
func write(path string, pause time.Duration) error {
	ctx := context.Background()
	st, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer st.Close()
	fmt.Println("open")
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return nil
		default:
		}
		c, next := credential(rand.Text()), credential(rand.Text())
		next.Family = c.Family
		for _, step := range []struct {
			what string
			do   func() error
		}{
			{"issue " + c.ID, func() error { _, err := st.Insert(ctx, c, store.Limits{Active: 1_000_000}); return err }},
			{"rotate " + c.ID + " " + next.ID, func() error { return st.Rotate(ctx, c.ID, next.CreatedAt, next, store.Limits{}) }},
			{"revoke " + c.ID + " " + next.ID, func() error {
				_, err := st.Revoke(ctx, store.Filter{Subject: c.Subject, Family: c.Family}, next.CreatedAt)
				return err
			}},
		} {
			fmt.Println("begin", step.what)
			if err := step.do(); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
			fmt.Println("done", step.what)
			time.Sleep(mathrand.N(pause) + 1)
		}
	}
}

// A child is a process that runs write.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Scanner
}

// start starts a child, which prints "open" when it begins to write.
func start(t testing.TB, path string, pause time.Duration) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], pause.String())
	cmd.Env = append(os.Environ(), childOf+"="+path)
	cmd.Stderr = os.Stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return &child{cmd, stdin, bufio.NewScanner(stdout)}
}

// R3 T7: after a process was killed at any moment, all steps that it printed as done
// are there. The step that it had begun is there completely or not at all.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	var done, halfway int
	for range 20 {
		c := start(t, path, time.Millisecond)
		if !c.out.Scan() || c.out.Text() != "open" {
			t.Fatalf("the other process says %q, %v", c.out.Text(), c.out.Err())
		}
		steps := make(map[string]bool) // true if the step was done
		until := mathrand.IntN(12)
		for n := 0; c.out.Scan(); n++ {
			if n == until {
				time.AfterFunc(mathrand.N(5*time.Millisecond), func() { c.cmd.Process.Kill() })
			}
			verb, step, _ := strings.Cut(c.out.Text(), " ")
			steps[step] = verb == "done"
		}
		c.cmd.Wait()

		st, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		state := func(id string) (issued, rotated, revoked bool) {
			got, err := st.Get(t.Context(), id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			if err != nil {
				return false, false, false
			}
			if want := credential(id); got.Digest != want.Digest || got.Subject != want.Subject || fmt.Sprint(got.Scopes) != fmt.Sprint(want.Scopes) {
				t.Errorf("%+v is not as it was issued", got)
			}
			return true, !got.RotatedAt.IsZero() && got.ExpiresAt.Equal(epoch), !got.RevokedAt.IsZero()
		}
		for step, isDone := range steps {
			words := strings.Fields(step)
			issued, rotated, revoked := state(words[1])
			var first, second bool // the parts of the step: both or none must be there
			switch words[0] {
			case "issue":
				first, second = issued, issued
			case "rotate":
				next, _, _ := state(words[2])
				first, second = rotated, next
			case "revoke":
				_, _, next := state(words[2])
				first, second = revoked, next
			}
			if first != second || isDone && !first {
				t.Errorf("%s, done %t: %t and %t", step, isDone, first, second)
			}
			if isDone {
				done++
			} else {
				halfway++
			}
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if got := query(t, path, `PRAGMA integrity_check`); got != "ok" {
			t.Fatalf("integrity_check: %s", got)
		}
	}
	if done < 20 || halfway < 5 {
		t.Errorf("%d steps done and %d under way: too few to prove anything", done, halfway)
	}
}

// R1: several processes on one file wait for each other, even to create the tables.
// Each sees the changes of the others at once.
func TestProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	var children []*child
	for range 3 {
		children = append(children, start(t, path, 30*time.Millisecond))
	}
	for _, c := range children {
		if !c.out.Scan() || c.out.Text() != "open" {
			t.Fatalf("another process says %q, %v", c.out.Text(), c.out.Err())
		}
	}
	st := open(t, path)
	for i, c := range children {
		for n := 0; n < 9 && c.out.Scan(); {
			words := strings.Fields(c.out.Text())
			if words[0] != "done" {
				continue
			}
			n++
			got, err := st.Get(t.Context(), words[2])
			switch {
			case err != nil:
				t.Fatalf("%q: %v", words, err)
			case words[1] == "rotate" && got.RotatedAt.IsZero(), words[1] == "revoke" && got.RevokedAt.IsZero():
				t.Errorf("%q: %+v", words, got)
			}
		}
		if _, err := st.Insert(t.Context(), credential(fmt.Sprint("own ", i)), store.Limits{Active: 1_000_000}); err != nil {
			t.Errorf("while others write: %v", err)
		}
		c.stdin.Close()
		for c.out.Scan() { // until the child ends
		}
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("another process: %v", err)
		}
	}
}

// Shorthands for functions of package suite.
var (
	epoch      = suite.Epoch
	credential = suite.Credential
	insert     = suite.Insert
)

// hold begins a write transaction of another program.
func hold(t testing.TB, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release = func() {
		tx.Rollback()
		db.Close()
	}
	t.Cleanup(release)
	return release
}

// query reads one text from a file, like another program.
func query(t testing.TB, path, q string) (answer string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), q).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return answer
}
