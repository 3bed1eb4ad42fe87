package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// T3: for every path, only the owner may read the files, and there are only the
// documented ones.
func TestFiles(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "a?mode=memory", "a#b", "100%41", "%3f", "Schlüssel-鍵.db", "file:x", "a&b=c;d+e", `quote"'`} {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, `?:"`) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			st := open(t, path)
			insert(t, st, credential("kept"))
			for _, suffix := range []string{"", "-wal", "-shm"} {
				info, err := os.Stat(path + suffix)
				if err != nil {
					t.Error(err)
				} else if runtime.GOOS != "windows" && info.Mode() != 0o600 {
					t.Errorf("%q has mode %v, want 0600", info.Name(), info.Mode())
				}
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 3 {
				t.Errorf("files %v, %v, want 3", files, err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, path).Get(t.Context(), "kept"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A relative path still leads to the same file after the program has changed its
// directory.
func TestRelativePath(t *testing.T) {
	home := t.TempDir()
	t.Chdir(home)
	st := open(t, "credentials.db")
	if _, err := os.Stat(filepath.Join(home, "credentials.db-wal")); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	insert(t, st, credential("kept"))
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v, want none", files, err)
	}
}

// B8: the error names the file.
func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path string
		is   error
		text string
	}{
		{"", nil, "a file is required"},
		{":memory:", nil, "a file is required"},
		{filepath.Join(dir, "missing", "credentials.db"), fs.ErrNotExist, ""},
		{dir, nil, "directory"},
		{text, nil, "not a database"},
	}
	for _, tt := range tests {
		st, err := sqlite.Open(t.Context(), tt.path)
		if err == nil {
			st.Close()
			t.Errorf("%q was opened", tt.path)
			continue
		}
		if !strings.HasPrefix(err.Error(), `sqlite: open "`+tt.path+`": `) || !strings.Contains(err.Error(), tt.text) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%q: %v, want %q", tt.path, err, tt.text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

// B6: closing again does nothing, and calls of a closed store return an outage.
func TestClose(t *testing.T) {
	st := open(t, filepath.Join(t.TempDir(), "credentials.db"))
	insert(t, st, credential("there"))
	for range 2 {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	c := credential("there")
	for range 2 {
		_, find := st.Find(t.Context(), c.Kind, c.Digest)
		_, get := st.Get(t.Context(), c.ID)
		_, write := st.Insert(t.Context(), credential("new"), store.Limits{})
		for _, err := range []error{find, get, st.Touch(t.Context(), []store.Use{{ID: c.ID, At: epoch}}), write} {
			if err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("after Close: %v", err)
			}
		}
	}
}

// Several processes of a service open a file that does not exist yet.
func TestOpenAtOnce(t *testing.T) {
	for i := range 50 { // one of 25 failed when Migrate did not try again
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".db"))
		var opened sync.WaitGroup
		for range 8 {
			opened.Go(func() {
				st, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				st.Close()
			})
		}
		opened.Wait()
	}
}
