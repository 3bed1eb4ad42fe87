package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// S16: the store keeps the contract, with integer subjects whose accounts must exist.
func TestStore(t *testing.T) {
	var db *sql.DB
	storetest.Run(t, func(t *testing.T) store.Store {
		var err error
		if db, err = open(t.Context(), filepath.Join(t.TempDir(), "test.db")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return accessKeys{db}
	}, storetest.Subjects(func(t *testing.T) string {
		id, err := account(t.Context(), db, rand.Text())
		if err != nil {
			t.Error(err)
		}
		return strconv.FormatInt(id, 10)
	}), storetest.Fill(func(ctx context.Context, _ store.Store, rows []*store.Credential) error {
		return accessKeys{db}.write(ctx, func(tx *sql.Tx) error {
			for _, c := range rows {
				if err := insert(ctx, tx, c); err != nil {
					return err
				}
			}
			return nil
		})
	}))
}

// TestMain runs the service instead of the tests if BE_THE_SERVICE is set, so that
// TestService can start it in another process.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_SERVICE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// After another process changes the table, the next request shows the change.
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
	if _, err := db.Exec(`UPDATE access_keys SET blocked = ? WHERE account = (SELECT id FROM accounts WHERE name = 'ada')`, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	want(m[1], 401)
	if _, err := db.Exec(`ALTER TABLE access_keys RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	want(m[1], 503)
}

// An account ID has only one form as a subject. Other forms select no keys.
func TestSubjectIsExact(t *testing.T) {
	db, err := open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id, err := account(t.Context(), db, "ada")
	if err != nil {
		t.Fatal(err)
	}
	st, now := accessKeys{db}, time.Now()
	c := &store.Credential{ID: "key", Kind: store.KindToken, Subject: strconv.FormatInt(id, 10), CreatedAt: now}
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"0" + c.Subject, "+" + c.Subject, c.Subject + " ", c.Subject + ".0", "ada", "99"} {
		page, _, err := st.List(t.Context(), store.Query{Subject: other, Kind: c.Kind})
		if len(page) > 0 || err != nil {
			t.Errorf("List of account %q = %d keys, %v, want none", other, len(page), err)
		}
		n, err := st.Erase(t.Context(), other)
		if n > 0 || err != nil {
			t.Errorf("Erase of account %q = %d, %v, want 0", other, n, err)
		}
		d := *c
		d.ID, d.Digest, d.Subject = "other", store.Digest{1}, other
		if _, err := st.Insert(t.Context(), &d, store.Limits{}); err == nil {
			t.Errorf("Insert for account %q: no error", other)
		}
	}
}
