package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/store/sqlstore/internal/service"
)

// T3: no file contains a plaintext or a piece of one, neither while the database is
// open nor afterwards.
func TestOnlyDigestsAtRest(t *testing.T) {
	dir := t.TempDir()
	st := open(t, filepath.Join(dir, "credentials.db"))
	plaintexts := service.Secrets(t, st)
	service.Search(t, dir, plaintexts)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	service.Search(t, dir, plaintexts)
}
