package redisstore_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// A credential that has ended is there until the retention is over, and then it
// vanishes by itself; what it leaves in the indexes harms nothing.
func TestRowsVanish(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "test", Retention: 300 * time.Millisecond})
	ctx := t.Context()
	keys := func() int64 {
		n, err := client.Do(ctx, client.B().Dbsize().Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	stays, expires, revoked, rotated, next := credential("ada"), credential("ada"), credential("ada"), credential("ada"), credential("ada")
	for _, c := range []*store.Credential{stays, revoked, rotated, next} {
		c.ExpiresAt = time.Time{}
	}
	expires.ExpiresAt = time.Now().Add(time.Millisecond).UTC().Truncate(time.Microsecond)
	for range 5 { // more than one Insert removes
		older := credential("older")
		older.ExpiresAt = older.CreatedAt.Add(-time.Hour)
		if err := st.Insert(ctx, older, 0); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for _, c := range []*store.Credential{stays, expires, revoked, rotated} {
		c.Parent = "secret"
		if err := st.Insert(ctx, c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Revoke(ctx, store.Filter{ID: revoked.ID}, revoked.CreatedAt); err != nil {
		t.Fatal(err)
	}
	if err := st.Rotate(ctx, rotated.ID, next.CreatedAt, next); err != nil {
		t.Fatal(err)
	}
	if err := st.Touch(ctx, expires.ID, expires.CreatedAt); err != nil {
		t.Fatal(err)
	}
	if time.Since(began) < 100*time.Millisecond { // a slow machine proves nothing
		for _, c := range []*store.Credential{stays, expires, revoked, rotated, next} {
			if err := expect(st, c, true, "within the retention"); err != nil {
				t.Error(err)
			}
		}
	}
	ended := []*store.Credential{expires, revoked, rotated}
	eventually(t, 5*time.Second, "the ended ones have vanished", func() bool {
		list, err := st.List(ctx, store.Filter{Subject: "ada"})
		return err == nil && len(list) == 2
	})
	for _, c := range ended {
		if err := expect(st, c, false, "vanished"); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{
			"Touch":  st.Touch(ctx, c.ID, c.CreatedAt),
			"Rotate": st.Rotate(ctx, c.ID, c.CreatedAt, credential("ada")),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s of what has vanished: %v", name, err)
			}
		}
	}
	// As if the caller's clock were behind, so that they would still be active.
	again := expires.Clone()
	again.CreatedAt = expires.CreatedAt.Add(-time.Microsecond)
	again.ExpiresAt = expires.ExpiresAt.Add(time.Hour)
	if err := st.Insert(ctx, again, 3); err != nil {
		t.Errorf("Insert of an ID and a digest that have vanished: %v", err)
	}
	list, err := st.List(ctx, store.Filter{Parent: "secret"})
	if err != nil || len(list) != 2 {
		t.Errorf("List: %d rows, %v, want the one that stays and the one with a new life", len(list), err)
	}
	if n, err := st.Prune(ctx, time.Now().Add(30*time.Minute)); n != 0 || err != nil {
		t.Errorf("Prune of what has vanished: %d, %v", n, err)
	}
	changed, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, again.CreatedAt)
	if err != nil || len(changed) != 3 {
		t.Errorf("Revoke: %d, %v, want the three that are left", len(changed), err)
	}
	eventually(t, 5*time.Second, "nothing is left", func() bool {
		if _, err := st.Prune(ctx, time.Now()); err != nil {
			t.Fatal(err)
		}
		return keys() == 0
	})
}

// A subject that goes on getting short-lived credentials does not accumulate what
// these leave behind.
func TestLeftoversAreSwept(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "test", Retention: time.Millisecond})
	first := credential("ada")
	first.ExpiresAt = time.Time{} // so the indexes stay
	if err := st.Insert(t.Context(), first, 0); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		c := credential("ada")
		c.ExpiresAt = c.CreatedAt
		if err := st.Insert(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"{test}:s:ada", "{test}:a:5:tokenada", "{test}:e"} {
		n, err := client.Do(t.Context(), client.B().Zcard().Key(key).Build()).AsInt64()
		if err != nil || n > 100 {
			t.Errorf("%s: %d entries of 500 rows that have vanished, %v", key, n, err)
		}
	}
}

// As many as one step of Prune deletes, and more.
func TestPruneInSteps(t *testing.T) {
	st := open(t, connect(t, services.StartRedis(t)))
	const n = 1100
	for i := range n {
		c := credential("account-" + strconv.Itoa(i%7))
		c.ExpiresAt = c.CreatedAt.Add(time.Second)
		if err := st.Insert(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := st.Prune(t.Context(), time.Now().Add(time.Hour)); got != n || err != nil {
		t.Errorf("Prune: %d, %v, want %d", got, err, n)
	}
}
