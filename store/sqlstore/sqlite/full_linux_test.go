package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// B4 R8: on a full disk only calls that write fail. When there is room again, all
// calls work.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "credentials.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	filler := filepath.Join(dir, "filler")
	testFull(t, st, func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 512))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}, func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	})
}

// The same with a limit on the size of the database, which needs no mount.
func TestFullDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	db, err := sql.Open("sqlite", path+"?_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := func(n int) {
		if _, err := db.ExecContext(t.Context(), fmt.Sprint(`PRAGMA max_page_count = `, n)); err != nil {
			t.Fatal(err)
		}
	}
	testFull(t, st, func() { pages(1) }, func() { pages(1 << 30) }) // SQLite never sets fewer pages than there are
}

func testFull(t *testing.T, st store.Store, fill, free func()) {
	s := service.Start(t, st)
	plaintext, c := s.Issue(t)
	rotating, old := s.Issue(t)
	load := s.Load(t, 4*time.Second, plaintext)
	fill()
	var err error
	issued := 2
	for range 1000 { // the files may still have some room
		if _, _, err = s.Tokens.Issue(t.Context(), bearer.Request{Subject: "ada", Data: make([]byte, 4096)}); err != nil {
			break
		}
		issued++
	}
	_, _, rotate := s.Tokens.Rotate(t.Context(), "ada", old.ID, 0)
	failed := map[string]error{"issue": err}
	if rotate != nil { // it may need less space
		failed["rotate"] = rotate
	}
	for what, err := range failed {
		if err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("%s on a full disk: %v", what, err)
		}
		for _, answer := range []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict} {
			if errors.Is(err, answer) {
				t.Errorf("%s on a full disk: %v", what, err)
			}
		}
	}
	ok := load.OK.Load()
	service.Until(t, "requests on a full disk", 5*time.Second, func() bool { return load.OK.Load() > ok+100 })
	if n := load.Unavailable.Load(); n > 0 {
		t.Errorf("%d requests got 503 on a full disk", n)
	}
	q := store.Query{Subject: "ada", Kind: store.KindToken, Limit: 2000}
	if list, _, err := st.List(t.Context(), q); err != nil || rotate != nil && len(list) != issued {
		t.Errorf("%d credentials, %v, want %d", len(list), err, issued)
	}
	if rotate != nil && s.Status(t, rotating) != http.StatusOK {
		t.Errorf("what could not be rotated is refused")
	}
	free()
	load.Stop()
	for what, err := range map[string]error{"touch": st.Touch(t.Context(), []store.Use{{ID: c.ID, At: time.Now()}}), "revoke": s.Tokens.Revoke(t.Context(), "ada", c.ID)} {
		if err != nil {
			t.Errorf("%s with room again: %v", what, err)
		}
	}
	again, _ := s.Issue(t)
	for plaintext, want := range map[string]int{plaintext: http.StatusUnauthorized, again: http.StatusOK} {
		if status := s.Status(t, plaintext); status != want {
			t.Errorf("with room again: status %d, want %d", status, want)
		}
	}
}

// R8: authentication works with a read-only database. No request fails because the
// last use cannot be written.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	plaintext, c := service.Start(t, open(t, path)).Issue(t)
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		t.Fatal(err)
	}
	touched := make(chan error, 1)
	s := service.Start(t, touching{st, touched})
	for range 3 {
		if status := s.Status(t, plaintext); status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
	}
	if err := <-touched; err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("Touch: %v, want it to fail", err)
	}
	if status := s.Status(t, plaintext); status != http.StatusOK {
		t.Errorf("afterwards: status %d, want 200", status)
	}
	if err := s.Tokens.Revoke(t.Context(), "ada", c.ID); err == nil {
		t.Error("a read-only database revokes")
	}
}

type touching struct {
	store.Store
	touched chan<- error
}

func (s touching) Touch(ctx context.Context, uses []store.Use) error {
	err := s.Store.Touch(ctx, uses)
	select {
	case s.touched <- err:
	default:
	}
	return err
}
