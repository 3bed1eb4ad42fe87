package redisstore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// Digests and IDs are unique over all partitions, even if many accounts claim them at
// once. A failed claim leaves neither reserved.
func TestClaimHasOneOwner(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := open(t, client)
	for range 20 {
		c := unplaced(st)
		var inserted atomic.Int64
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() {
				mine := c.Clone()
				mine.Subject = fmt.Sprint("account-", i)
				if i%2 == 0 {
					mine.ID = credential("").ID // so that only the digest is the same
				}
				_, err := st.Insert(t.Context(), mine, store.Limits{})
				switch {
				case err == nil:
					inserted.Add(1)
				case !errors.Is(err, store.ErrExists):
					t.Error(err)
				}
			})
		}
		callers.Wait()
		want := error(store.ErrExists)
		switch n := inserted.Load(); n {
		case 0: // one account claimed the digest and another the ID, so both were refused
			want = nil
		case 1:
		default:
			t.Fatalf("%d inserts succeeded, want 1", n)
		}
		if _, err := st.Insert(t.Context(), c, store.Limits{}); !errors.Is(err, want) {
			t.Fatalf("Insert afterwards: %v, want %v", err, want)
		}
	}
	wantPermanent(t, client)
}

// Deleting a row does not free its digest and ID if another account has claimed them
// meanwhile.
func TestDeletionSparesNewClaims(t *testing.T) {
	st := open(t, connect(t, services.StartRedis(t)))
	for range 300 {
		c := unplaced(st)
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		var eraser sync.WaitGroup
		eraser.Go(func() {
			if n, err := st.Erase(t.Context(), c.Subject); n != 1 || err != nil {
				t.Errorf("Erase = %d, %v", n, err)
			}
		})
		next := c.Clone()
		next.Subject = "grace"
		err := store.ErrExists
		for errors.Is(err, store.ErrExists) {
			_, err = st.Insert(t.Context(), next, store.Limits{})
		}
		eraser.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil || got.Subject != "grace" {
			t.Fatalf("Find = %+v, %v, want what was inserted last", got, err)
		}
		if got, err := st.Get(t.Context(), c.ID); err != nil || got.Subject != "grace" {
			t.Fatalf("Get = %+v, %v, want what was inserted last", got, err)
		}
	}
}

// If an Insert failed between the row and its pointers, the next one completes the
// pointers and returns ErrExists.
func TestInsertRepairsPointers(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "repair"})
	c := unplaced(st)
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	row, pointers := key(t, client, c), 0
	for _, k := range allKeys(t, client) {
		if value, err := client.Do(t.Context(), client.B().Get().Key(k).Build()).ToString(); err == nil && len(value) == 10 {
			pointers++ // deletes a pointer, as if its claim had expired
			if err := client.Do(t.Context(), client.B().Del().Key(k).Build()).Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if pointers != 2 || row == "" {
		t.Fatalf("%d pointers, want 2", pointers)
	}
	if _, err := st.Insert(t.Context(), c, store.Limits{}); !errors.Is(err, store.ErrExists) {
		t.Errorf("Insert again: %v, want %v", err, store.ErrExists)
	}
	if _, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil {
		t.Errorf("Find: %v", err)
	}
	if _, err := st.Get(t.Context(), c.ID); err != nil {
		t.Errorf("Get: %v", err)
	}
	wantPermanent(t, client)
}

// wantPermanent fails the test if a key expires.
func wantPermanent(t *testing.T, client rueidis.Client) {
	t.Helper()
	for _, k := range allKeys(t, client) {
		if ttl, err := client.Do(t.Context(), client.B().Pttl().Key(k).Build()).AsInt64(); err != nil || ttl != -1 {
			t.Errorf("key %q: expires in %d ms, %v, want never", k, ttl, err)
		}
	}
}
