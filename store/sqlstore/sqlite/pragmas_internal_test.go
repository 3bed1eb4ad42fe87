package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// Connections for writes have the settings with which acknowledged writes survive a
// crash of the machine. Connections for reads cannot write.
func TestPragmas(t *testing.T) {
	st, err := Open(t.Context(), filepath.Join(t.TempDir(), "credentials.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	pragma := func(db *sql.DB, name, want string) {
		t.Helper()
		var got string
		if err := db.QueryRowContext(t.Context(), `PRAGMA `+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", name, got, err, want)
		}
	}
	for db, readOnly := range map[*sql.DB]string{st.write: "0", st.read: "1", st.finder.db: "1"} {
		pragma(db, "query_only", readOnly)
		pragma(db, "journal_mode", "wal")
		pragma(db, "synchronous", "2") // FULL
		pragma(db, "busy_timeout", "1500")
	}
	if n := st.write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d writers, want 1", n)
	}
}
