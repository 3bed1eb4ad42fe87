package table_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/migrating/internal/walk"
	"github.com/keystile/keystile/examples/migrating/table"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const schema = `CREATE TABLE api_tokens (
	id         INTEGER PRIMARY KEY,
	token_hash TEXT NOT NULL UNIQUE, -- SHA-256 in hexadecimal
	user_id    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER
)`

func open(t *testing.T) (db *sql.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "service.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1500)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// insert adds tokens whose plaintext is "token-" and their ID.
func insert(t *testing.T, db *sql.DB, id int, expires any) {
	t.Helper()
	digest := sha256.Sum256(fmt.Append(nil, "token-", id))
	exec(t, db, `INSERT INTO api_tokens VALUES (?, ?, 'ada', ?, ?)`, id, hex.EncodeToString(digest[:]), time.Now().Add(-time.Hour).Unix(), expires)
}

func TestMove(t *testing.T) {
	ctx := t.Context()
	db, _ := open(t)
	exec(t, db, schema)
	for id := range 10 {
		insert(t, db, id, nil)
	}
	insert(t, db, 100, time.Now().Add(time.Hour).Unix())
	insert(t, db, 101, time.Now().Add(-time.Second).Unix())
	st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err == nil {
		err = st.Migrate(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	s := walk.Start(t)
	with := func(plaintext string) *walk.Client { return s.Client("Authorization", "Bearer "+plaintext) }
	check := func(gone ...string) {
		t.Helper()
		for _, plaintext := range []string{"token-1", "token-7", "token-100"} {
			with(plaintext).Want(200, "GET", "/me", "")
		}
		for _, plaintext := range append(gone, "token-101", "token-", "pat_"+strings.Repeat("A", 46)) {
			with(plaintext).Want(401, "GET", "/me", "")
		}
		s.Client().Want(401, "GET", "/me", "")
	}

	s.Deploy(table.Before(db), nil)
	check()

	s.Deploy(table.During(table.Legacy{DB: db, Moved: st}, tokens, s.Observe))
	check()
	with("token-100").Want(200, "GET", "/me", "")
	s.By("old token")
	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	with(plain.Reveal()).Want(200, "GET", "/me", "")
	s.By("Bearer")

	// Half of them are moved; one of either half is revoked.
	if n, err := table.Move(ctx, db, st, 6); n != 6 || err != nil {
		t.Fatalf("Move = %d, %v", n, err)
	}
	check()
	for _, id := range []string{"2", "8"} {
		with("token-"+id).Want(200, "GET", "/me", "")
		if err := table.Revoke(ctx, db, st, id); err != nil {
			t.Fatal(err)
		}
	}
	check("token-2", "token-8")
	if n, err := table.Move(ctx, db, st, 100); n != 5 || err != nil {
		t.Fatalf("Move = %d, %v", n, err)
	}
	check("token-2", "token-8")
	if n, err := table.Move(ctx, db, st, 100); n != 0 || err != nil {
		t.Fatalf("Move = %d, %v", n, err)
	}
	list, _, err := st.List(ctx, store.Query{Kind: table.Kind, Subject: "ada", Active: true})
	if err != nil || len(list) != 9 { // of 12: one has expired, two were revoked
		t.Errorf("%d active old tokens in the store, %v, want 9", len(list), err)
	}

	// What is in the store as another kind, or has not its form, is no token of
	// package bearer.
	s.Deploy(table.After(tokens, s.Observe))
	with("token-1").Want(401, "GET", "/me", "")
	foreign := &store.Credential{ID: "x", Kind: store.KindToken, Digest: sha256.Sum256([]byte("foreign")), Subject: "ada", Family: "x", CreatedAt: time.Now()}
	if _, err := st.Insert(ctx, foreign, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	with("foreign").Want(401, "GET", "/me", "")
	with(plain.Reveal()).Want(200, "GET", "/me", "")
}

// An old table that cannot be asked is an outage, and not a refusal.
func TestOutage(t *testing.T) {
	db, _ := open(t)
	exec(t, db, schema)
	insert(t, db, 1, nil)
	memory := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: memory})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	s := walk.Start(t)
	s.Deploy(table.During(table.Legacy{DB: db, Moved: memory}, tokens, s.Observe))
	s.Client("Authorization", "Bearer token-1").Want(200, "GET", "/me", "")
	db.Close()
	s.Client("Authorization", "Bearer token-1").Want(503, "GET", "/me", "")
	s.Client("Authorization", "Bearer "+plain.Reveal()).Want(200, "GET", "/me", "")
}

// A table of plaintexts becomes one of hashes; nothing of them is left.
func TestHash(t *testing.T) {
	dropped := []string{`ALTER TABLE api_tokens DROP COLUMN token`}
	for _, tt := range []struct {
		name, token, index string
		refused            bool // DROP COLUMN alone
		drop               []string
	}{
		{"plain", "token TEXT NOT NULL", "", false, dropped},
		{"with an index", "token TEXT NOT NULL", `CREATE UNIQUE INDEX api_tokens_token ON api_tokens (token)`, true,
			append([]string{`DROP INDEX api_tokens_token`}, dropped...)},
		{"UNIQUE", "token TEXT NOT NULL UNIQUE", "", true, []string{
			`CREATE TABLE hashed (id INTEGER PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER)`,
			`INSERT INTO hashed SELECT id, token_hash, user_id, created_at, expires_at FROM api_tokens`,
			`DROP TABLE api_tokens`,
			`ALTER TABLE hashed RENAME TO api_tokens`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { testHash(t, tt.token, tt.index, tt.refused, tt.drop) })
	}
}

func testHash(t *testing.T, token, index string, refused bool, drop []string) {
	ctx := context.Background()
	db, path := open(t)
	exec(t, db, `CREATE TABLE api_tokens (id INTEGER PRIMARY KEY, `+token+`, user_id TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER)`)
	exec(t, db, index)
	const plaintext = "a-plaintext-that-should-not-be-here"
	exec(t, db, `INSERT INTO api_tokens VALUES (1, ?, 'ada', 0, NULL)`, plaintext)

	exec(t, db, `ALTER TABLE api_tokens ADD COLUMN token_hash TEXT`)
	exec(t, db, `CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (token_hash)`)
	for range 2 { // again does nothing
		if err := table.Hash(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	if refused {
		if _, err := db.ExecContext(ctx, `ALTER TABLE api_tokens DROP COLUMN token`); err == nil {
			t.Fatal("the column was dropped, though it has an index")
		}
	}
	for _, statement := range drop {
		exec(t, db, statement)
	}
	exec(t, db, `VACUUM`)
	exec(t, db, `PRAGMA wal_checkpoint(TRUNCATE)`)

	if _, err := (table.Legacy{DB: db, Moved: store.NewMemory()}).Verify(ctx, plaintext, netip.Addr{}); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(plaintext)) {
			t.Errorf("%s has the plaintext", filepath.Base(file))
		}
	}
}
