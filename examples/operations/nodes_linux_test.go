package operations_test

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

func cached(t *testing.T, st store.Store) *cache.Cache {
	t.Helper()
	c, err := cache.New(cache.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The health check reports whether the database answers, also through a cache. A
// server that is paused keeps its connections, and is noticed within five seconds.
func TestHealth(t *testing.T) {
	server := services.StartPostgres(t)
	health := operations.Health(cached(t, openPostgres(t, server.DSN("postgres"))))
	status := func() int {
		w := httptest.NewRecorder()
		health.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
		return w.Code
	}
	if got := status(); got != http.StatusNoContent {
		t.Fatalf("%d, want 204", got)
	}
	server.Pause()
	began := time.Now()
	until(t, "503", func() bool { return status() == http.StatusServiceUnavailable })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("503 after %v, want it within 5s", took)
	}
	server.Resume()
	until(t, "204 again", func() bool { return status() == http.StatusNoContent })
}

// A node shuts down in this order: the server, which answers what it has begun;
// the cache; the store. No connection to the database is left.
func TestShutdown(t *testing.T) {
	dsn := services.StartPostgres(t).DSN("postgres")
	st := openPostgres(t, dsn)
	c := cached(t, st)
	n := newNode(t, config{store: c})
	token, _ := n.issue(t)

	begun, release := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-release
		n.handler.ServeHTTP(w, r)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	statuses := make(chan int, 1)
	go func() {
		r, _ := http.NewRequest("GET", "http://"+listener.Addr().String(), nil)
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			statuses <- 0
			return
		}
		res.Body.Close()
		statuses <- res.StatusCode
	}()
	<-begun

	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	until(t, "it accepts nobody any more", func() bool {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-statuses; got != http.StatusOK {
		t.Errorf("what had begun: %d, want 200", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for range 2 { // again does nothing
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}

	observer := openDB(t, dsn)
	until(t, "no connection is left", func() bool {
		var n int
		err := observer.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n)
		return err == nil && n == 0
	})
}

func openDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// The owner of the database migrates, when a version is rolled out; the service
// may read and write the one table, and nothing else.
func TestMigrateAsOwner(t *testing.T) {
	dsn := services.StartPostgres(t).CreateDatabase("service")
	owner := openDB(t, dsn)
	st, err := sqlstore.New(sqlstore.Config{DB: owner, Dialect: sqlstore.PostgreSQL})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // again does nothing
		if err := st.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		`CREATE ROLE service LOGIN`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON keystile_credentials TO service`,
	} {
		if _, err := owner.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("service")
	db := openDB(t, u.String())
	if _, err := db.ExecContext(t.Context(), `DROP TABLE keystile_credentials`); err == nil {
		t.Fatal("the service may do what it likes")
	}
	limited, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, config{store: cached(t, limited)})
	token, c := n.issue(t)
	wants(t, "issued", http.StatusOK, token, n)
	plain, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.tokens.RevokeAll(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	wants(t, "revoked", http.StatusUnauthorized, plain.Reveal(), n)
	if pruned, err := limited.Prune(t.Context(), store.PruneBefore{Ended: time.Now().Add(time.Minute), Rotated: time.Now().Add(time.Minute)}); err != nil || pruned != 2 {
		t.Errorf("%d pruned, %v, want 2", pruned, err)
	}
}

// Migrations add. So while a new version is rolled out, and has added something,
// the nodes of the version before go on, and start again.
func TestNodesOfTheVersionBefore(t *testing.T) {
	dsn := services.StartPostgres(t).CreateDatabase("service")
	n := newNode(t, config{store: openPostgres(t, dsn)})
	before, c := n.issue(t)
	db := openDB(t, dsn)
	for _, statement := range []string{
		`ALTER TABLE keystile_credentials ADD COLUMN of_the_next_version text`,
		`INSERT INTO keystile_migrations (version) VALUES (2)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, "issued before", http.StatusOK, before, n)
	plain, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "rotated since", http.StatusOK, plain.Reveal(), n, newNode(t, config{store: openPostgres(t, dsn)}))
}

// How many tokens and secrets of before a date are still valid, for who waits for
// the last that was made with a pepper.
func TestCountTokensOfBefore(t *testing.T) {
	dsn := services.StartPostgres(t).CreateDatabase("service")
	n := newNode(t, config{store: openPostgres(t, dsn)})
	n.issue(t)
	_, c := n.issue(t)
	if _, _, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada"}); err != nil {
		t.Fatal(err)
	}
	n.signIn(t) // without a pepper in any case
	since := time.Now()
	n.issue(t)
	db := openDB(t, dsn)
	left := func(want int) {
		t.Helper()
		var got int
		if err := db.QueryRow(`SELECT count(*) FROM keystile_credentials WHERE kind IN ('token', 'secret') AND created_at < $1 AND revoked_at IS NULL AND (expires_at > now() OR expires_at IS NULL)`, since).Scan(&got); err != nil || got != want {
			t.Errorf("%d of before, %v, want %d", got, err, want)
		}
	}
	left(3)
	if err := n.tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
		t.Fatal(err)
	}
	left(2)
}
