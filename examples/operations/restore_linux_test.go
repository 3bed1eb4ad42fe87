package operations_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// An engine keeps credentials that can be backed up while it runs, and restored
// while no node does. open and close are those of a node.
type engine struct {
	open    func(t *testing.T) (st store.Store, close func())
	backup  func(t *testing.T)
	restore func(t *testing.T)
}

// A backup brings back what it holds, and with it what was revoked since: on every
// engine, by its own tools. What the audit log tells of is revoked again, or else
// all that was issued before is refused.
func TestRestore(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T) engine{
		"SQLite, VACUUM INTO":    func(t *testing.T) engine { return sqliteFile(t, vacuumInto) },
		"SQLite, .backup":        func(t *testing.T) engine { return sqliteFile(t, dotBackup) },
		"PostgreSQL, pg_dump":    postgresDump,
		"Redis, append-only log": redisAOF,
		"Redis, snapshot":        redisRDB,
	} {
		t.Run(name, func(t *testing.T) {
			e := begin(t)
			ada, audit := new(people), new(log)
			cfg := config{keys: []cookie.Key{cookie.NewKey()}, accounts: ada, observe: audit.observe}
			start := func() (*node, func()) {
				var stop func()
				cfg.store, stop = e.open(t)
				return newNode(t, cfg), stop
			}
			n, stop := start()
			kept, _ := n.issue(t)
			revoked, revokedRow := n.issue(t)
			rotated, rotatedRow := n.issue(t)
			session, _ := n.signIn(t)
			plain, client, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			exchanged := exchange(t, n, plain.Reveal(), client.Family)

			e.backup(t)
			backup := len(audit.since(0))

			// Life goes on, and then the database is lost.
			if err := n.tokens.Revoke(t.Context(), "ada", revokedRow.ID); err != nil {
				t.Fatal(err)
			}
			successor, _, err := n.tokens.Rotate(t.Context(), "ada", rotatedRow.ID, 0)
			if err != nil {
				t.Fatal(err)
			}
			signOut(t, n, session)
			if _, err := n.tokens.RevokeExchanged(t.Context(), "ada", client.Family); err != nil {
				t.Fatal(err)
			}
			late, _ := n.issue(t)
			ended := func(n *node) []int {
				visitor := session
				return []int{n.call("Bearer " + revoked), n.call("Bearer " + rotated), n.visit(&visitor), n.call("Bearer " + exchanged)}
			}
			want := func(when string, status int, got []int) {
				t.Helper()
				for i := range got {
					if got[i] != status {
						t.Errorf("%s: what has ended %d: %d, want %d", when, i, got[i], status)
					}
				}
			}
			events := audit.since(backup)
			want("before", http.StatusUnauthorized, ended(n))
			stop()

			e.restore(t)
			n, stop = start()
			defer stop()
			want("restored", http.StatusOK, ended(n)) // the danger
			wants(t, "of before the backup", http.StatusOK, kept, n)
			wants(t, "issued after the backup", http.StatusUnauthorized, late, n)
			wants(t, "the successor", http.StatusUnauthorized, successor.Reveal(), n)

			changed, err := operations.RevokeAgain(t.Context(), cfg.store, events)
			if err != nil || changed != 4 {
				t.Errorf("revoked %d again, %v, want 4", changed, err)
			}
			want("revoked again", http.StatusUnauthorized, ended(n))
			wants(t, "of before the backup", http.StatusOK, kept, n)
			if n.call("Secret "+plain.Reveal()) != http.StatusOK {
				t.Error("the secret, which nobody revoked, is refused")
			}

			ada.signOutEverywhere(time.Now())
			wants(t, "of before, after NotBefore", http.StatusUnauthorized, kept, n)
			again, _ := n.issue(t)
			wants(t, "issued after the restore", http.StatusOK, again, n)
		})
	}
}

func signOut(t *testing.T, n *node, c *http.Cookie) {
	t.Helper()
	r := httptest.NewRequest("POST", "/logout", nil)
	r.AddCookie(c)
	if err := n.sessions.SignOut(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
}

func sqliteFile(t *testing.T, backup func(t *testing.T, from, to string)) engine {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "credentials.db"), filepath.Join(dir, "backup.db")
	return engine{
		open: func(t *testing.T) (store.Store, func()) {
			st, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			return st, func() { st.Close() }
		},
		backup: func(t *testing.T) { backup(t, path, copied) },
		restore: func(t *testing.T) {
			for _, name := range []string{path, path + "-wal", path + "-shm"} {
				os.Remove(name)
			}
			if err := os.Rename(copied, path); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func vacuumInto(t *testing.T, from, to string) {
	db, err := sql.Open("sqlite", from)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `VACUUM INTO ?`, to); err != nil {
		t.Fatal(err)
	}
}

func dotBackup(t *testing.T, from, to string) { run(t, "sqlite3", from, ".backup '"+to+"'") }

func postgresDump(t *testing.T) engine {
	server := services.StartPostgres(t)
	dsn, dump := server.CreateDatabase("service"), filepath.Join(t.TempDir(), "service.dump")
	return engine{
		open: func(t *testing.T) (store.Store, func()) {
			st := openPostgres(t, dsn)
			return st, func() { st.Close() }
		},
		backup: func(t *testing.T) { run(t, "pg_dump", "--format=custom", "--file="+dump, dsn) },
		restore: func(t *testing.T) {
			run(t, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname="+dsn, dump)
		},
	}
}

// redisAOF copies the append-only log of a server that runs, while it does not
// rewrite it.
func redisAOF(t *testing.T) engine {
	server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	copied := filepath.Join(t.TempDir(), "backup")
	files := filepath.Join(server.Dir(), "appendonlydir")
	return engine{
		open: func(t *testing.T) (store.Store, func()) {
			st, client := openRedis(t, server)
			return st, client.Close
		},
		backup: func(t *testing.T) {
			_, client := openRedis(t, server)
			do(t, server, "CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
			until(t, "no rewrite", func() bool { return persistence(t, client, "aof_rewrite_in_progress") == "0" })
			run(t, "cp", "-a", files, copied)
			do(t, server, "CONFIG", "SET", "auto-aof-rewrite-percentage", "100")
		},
		restore: func(t *testing.T) {
			server.Kill()
			run(t, "rm", "-r", files)
			run(t, "cp", "-a", copied, files)
			server.Start()
		},
	}
}

// redisRDB takes a snapshot, and puts it where the server loads it: with the log
// switched off, for a server whose log is on does not look at a snapshot.
func redisRDB(t *testing.T) engine {
	server := services.StartRedis(t, "--appendonly", "no")
	copied := filepath.Join(t.TempDir(), "dump.rdb")
	file := filepath.Join(server.Dir(), "dump.rdb")
	return engine{
		open: func(t *testing.T) (store.Store, func()) {
			st, client := openRedis(t, server)
			return st, client.Close
		},
		backup: func(t *testing.T) {
			_, client := openRedis(t, server)
			last := persistence(t, client, "rdb_saves")
			do(t, server, "BGSAVE")
			until(t, "saved", func() bool {
				return persistence(t, client, "rdb_saves") != last && persistence(t, client, "rdb_bgsave_in_progress") == "0"
			})
			run(t, "cp", "-a", file, copied)
		},
		restore: func(t *testing.T) {
			server.Kill()
			run(t, "cp", "-a", copied, file)
			server.Start()
			_, client := openRedis(t, server)
			do(t, server, "CONFIG", "SET", "appendonly", "yes")
			until(t, "a log", func() bool {
				return persistence(t, client, "aof_rewrite_in_progress") == "0" && persistence(t, client, "aof_last_bgrewrite_status") == "ok"
			})
			if files, _ := filepath.Glob(filepath.Join(server.Dir(), "appendonlydir", "*.manifest")); len(files) == 0 {
				t.Error("there is no log")
			}
		},
	}
}

func do(t *testing.T, server *services.Redis, args ...string) {
	t.Helper()
	if _, err := server.Do(args...); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
}

// persistence returns a line of INFO persistence.
func persistence(t *testing.T, client rueidis.Client, field string) string {
	t.Helper()
	info, err := client.Do(t.Context(), client.B().Info().Section("persistence").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("INFO persistence does not tell %s", field)
	return ""
}

// Why a snapshot is loaded with the log switched off: a server whose log is on
// begins with what that has or, if it has none yet, empty.
func TestSnapshotBesideLog(t *testing.T) {
	server := services.StartRedis(t, "--appendonly", "yes")
	do(t, server, "SET", "key", "1")
	do(t, server, "SAVE")
	do(t, server, "SET", "later", "1")
	keys := func(want string) {
		t.Helper()
		if n, err := server.Do("DBSIZE"); err != nil || n != want {
			t.Errorf("%s keys, %v, want %s", n, err, want)
		}
	}
	server.Kill()
	server.Start()
	keys("2") // the snapshot has one
	server.Kill()
	run(t, "rm", "-r", filepath.Join(server.Dir(), "appendonlydir"))
	server.Start()
	keys("0")
}
