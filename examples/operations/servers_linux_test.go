package operations_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// run runs a program that operators use and returns what it says. Where it is not
// installed the test is skipped, and fails where CI is set.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(services.Find(t, program, "/usr/lib/postgresql/*/bin/"+program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// openPostgres opens a store, which close closes.
func openPostgres(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// openRedis opens a store, and returns its client too. It waits for long: the
// machine may be busy.
func openRedis(t testing.TB, server *services.Redis) (*redisstore.Store, rueidis.Client) {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, ConnWriteTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	st, err := redisstore.New(t.Context(), redisstore.Config{Client: client, Prefix: "service", Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return st, client
}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 seconds: %s", what)
		}
	}
}
