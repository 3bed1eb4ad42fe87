package failover_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store/cache"
)

// people is an application's table of accounts.
type people struct{ db *sql.DB }

func (p people) Account(ctx context.Context, subject string) (*auth.Account, error) {
	var a auth.Account
	err := p.db.QueryRowContext(ctx, `SELECT disabled FROM people WHERE id = $1`, subject).Scan(&a.Disabled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, auth.ErrUnknownAccount
	case err != nil:
		return nil, err
	}
	return &a, nil
}

// R7, R1: two processes share a PostgreSQL server. An account that one of them disables
// is refused there when Forget returns, and in the other one as soon as the
// notification arrives. If it does not arrive, MaxStale applies.
func TestAccounts(t *testing.T) {
	server := services.StartPostgres(t)
	proxy := services.StartProxy(t, address(server))
	const maxStale = 3 * time.Second
	db := openPostgres(t, server.DSN("postgres")).DB()
	node := func(address string) *cache.Accounts {
		c, err := cache.New(cache.Config{Store: openPostgres(t, "postgres://postgres@"+address+"/postgres?sslmode=disable")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		a, err := cache.NewAccounts(cache.AccountsConfig{Accounts: people{db}, Store: c, MaxStale: maxStale})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		return a
	}
	here, there := node(address(server)), node(proxy.Addr())
	set := func(disabled bool) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), `UPDATE people SET disabled = $1`, disabled); err != nil {
			t.Fatal(err)
		}
	}
	isDisabled := func(a *cache.Accounts) bool {
		t.Helper()
		account, err := a.Account(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return account.Disabled
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE people (id text PRIMARY KEY, disabled boolean NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO people VALUES ('ada', false)`); err != nil {
		t.Fatal(err)
	}
	listening := func() string {
		return server.Query(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)
	}
	for end := time.Now().Add(10 * time.Second); listening() != "2"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s connections listen, want one for each process", listening())
		}
	}
	time.Sleep(time.Second) // for a second one to begin, which must not
	if n := listening(); n != "2" {
		t.Errorf("%s connections listen, want one for each process", n)
	}

	// change disables or enables the account, with Forget in this process, and returns
	// how long the other one did not know.
	change := func(disabled bool) time.Duration {
		t.Helper()
		isDisabled(here)
		isDisabled(there)
		set(disabled)
		changed := time.Now()
		if err := here.Forget(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if isDisabled(here) != disabled {
			t.Fatal("this process does not know when Forget has returned")
		}
		late := time.Duration(0)
		for asked := time.Since(changed); isDisabled(there) != disabled; asked = time.Since(changed) {
			if late = asked; late > maxStale {
				break
			}
		}
		return late
	}
	var longest time.Duration
	for i := range 100 {
		longest = max(longest, change(i%2 == 0))
	}
	t.Logf("notified: the other process knew after at most %v", longest)
	if longest > time.Second {
		t.Errorf("notified: the other process did not know for %v, want milliseconds", longest)
	}

	proxy.Pause()
	late := change(true)
	t.Logf("not notified: the other process knew after %v", late)
	if late < time.Second || late > maxStale {
		t.Errorf("not notified: the other process did not know for %v, want up to %v", late, maxStale)
	}
}
