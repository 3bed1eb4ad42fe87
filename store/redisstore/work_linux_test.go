package redisstore_test

import (
	"flag"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

var ended = flag.Int("ended", 5_000, "how many ended credentials the account of TestEndedRowsCostNothing has")

// S2 B9: for an account with many ended credentials the server runs as many commands
// as for one with few, and no script takes long.
func TestEndedRowsCostNothing_S2(t *testing.T) {
	server := services.StartRedis(t)
	st := open(t, connect(t, server))
	ctx := t.Context()
	now := time.Now().UTC().Truncate(time.Microsecond)
	fill := func(n int) {
		t.Helper()
		var fillers sync.WaitGroup
		for w := range 32 {
			fillers.Go(func() {
				for i := w; i < n; i += 32 {
					c := placed(st)
					c.CreatedAt = now.Add(-48 * time.Hour)
					switch i % 3 {
					case 0:
						c.RevokedAt = now.Add(-time.Hour)
					case 1:
						c.ExpiresAt = now.Add(-time.Hour)
					case 2:
						c.RotatedAt, c.ExpiresAt = now.Add(-time.Hour), now.Add(-time.Hour)
					}
					if _, err := st.Insert(ctx, c, store.Limits{}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		fillers.Wait()
	}
	limits := store.Limits{Active: 2, EndOldest: true, Recent: 1000, Since: now.Add(-time.Hour)}
	query := store.Query{Subject: "ada", Kind: store.KindToken, Limit: 10}
	active := query
	active.Active = true
	calls := func() {
		t.Helper()
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			c := placed(st)
			_, err := st.Insert(ctx, c, limits)
			do(err)
			next := placed(st)
			next.CreatedAt = next.CreatedAt.Add(time.Second)
			do(st.Rotate(ctx, c.ID, next.CreatedAt, next, limits))
			name := "new"
			_, err = st.Update(ctx, next.ID, store.Changes{Name: &name})
			do(err)
			do(st.Touch(ctx, []store.Use{{ID: next.ID, At: now}}))
			_, _, err = st.List(ctx, query)
			do(err)
			_, _, err = st.List(ctx, active)
			do(err)
		}
		digests, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, now)
		do(err)
		if len(digests) != 5 { // of 6 credentials, Limits.Active has ended one
			t.Errorf("Revoke: %d digests, want 5", len(digests))
		}
	}
	work := func() int {
		t.Helper()
		for _, command := range [][]string{{"CONFIG", "RESETSTAT"}, {"SLOWLOG", "RESET"}, {"CONFIG", "SET", "slowlog-log-slower-than", "20000"}} {
			if _, err := server.Do(command...); err != nil {
				t.Fatal(err)
			}
		}
		calls()
		return commands(t, server)
	}
	fill(30)
	calls() // loads the scripts into the server
	few := work()
	fill(*ended)
	many := work()
	if few == 0 || many != few {
		t.Errorf("%d commands with %d ended credentials, %d with few", many, *ended, few)
	}
	if slow, err := server.Do("SLOWLOG", "LEN"); err != nil || slow != "0" {
		t.Errorf("%s commands of 20 ms or more, %v, want none", slow, err)
	}
	for _, command := range regexp.MustCompile(`(?m)^cmdstat_evalsha:.*usec_per_call=([0-9.]+)`).FindAllString(info(t, server), -1) {
		t.Log(command)
	}
}

// commands returns how many commands the server has run, including those in scripts.
func commands(t *testing.T, server *services.Redis) (n int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^cmdstat_(?:get|set|z[a-z]+|s[a-z]+|del|exists|evalsha):calls=(\d+)`).FindAllStringSubmatch(info(t, server), -1) {
		calls, _ := strconv.Atoi(m[1])
		n += calls
	}
	return n
}

func info(t *testing.T, server *services.Redis) string {
	t.Helper()
	text, err := server.Do("INFO", "commandstats")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
