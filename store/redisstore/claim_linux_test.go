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

// A digest and an ID are unique over all partitions, however many accounts claim
// them at once. Claims that failed keep neither taken.
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
					mine.ID = credential("").ID // only the digest is taken
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
		case 0: // one account had the digest and another the ID, so both were refused
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

// What one account deletes does not take away the digest and ID that another
// account has claimed meanwhile.
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

// An Insert that failed between the row and its pointers is completed by the next
// one, which reports that the credential exists.
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
			pointers++ // a pointer, as after its claim has expired
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
