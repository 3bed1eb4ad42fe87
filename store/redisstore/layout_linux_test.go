package redisstore_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// Partitions are spread evenly over the slots, and all keys of an account are in one
// slot. R1
func TestLayout(t *testing.T) {
	server := startCluster(t)
	client := connect(t, server)
	st := openWith(t, redisstore.Config{Client: client, Prefix: "layout"})
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	slots := make(map[string]bool)
	for i := range 300 {
		subject := fmt.Sprint("account-", i)
		_, c, err := tokens.Issue(t.Context(), bearer.Request{Subject: subject})
		if err == nil {
			_, _, err = tokens.Rotate(t.Context(), subject, c.ID, time.Hour)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !st.FitsDigest(subject, c.Digest) || !st.FitsID(subject, c.ID) {
			t.Errorf("what was issued does not fit %s", subject)
		}
	}
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		slot, err := server.Do("CLUSTER", "KEYSLOT", key)
		if err != nil {
			t.Fatal(err)
		}
		slots[slot] = true
		var n int
		if _, err := fmt.Sscan(slot, &n); err != nil || n%64 != 0 {
			t.Fatalf("key %q: slot %s, %v, want a multiple of 64", key, slot, err)
		}
	}
	if len(slots) < 150 { // 300 accounts in 256 partitions
		t.Errorf("%d slots", len(slots))
	}
}

// A pointer that is left from a deleted row does not reserve its digest, and a claim
// that is not kept expires.
func TestStalePointer(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "stale"})
	c := unplaced(st)
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	row := key(t, client, c)
	var indexed string
	for _, k := range allKeys(t, client) {
		if strings.HasSuffix(k, "}:i:"+c.ID) && strings.HasPrefix(k, row[:strings.Index(row, "}")]) {
			indexed = k
		}
	}
	// The state after a crash between deleting a row and deleting its pointers.
	if err := client.Do(t.Context(), client.B().Del().Key(row, indexed).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Find(t.Context(), c.Kind, c.Digest); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Find: %v, want not found", err)
	}
	if _, err := st.Get(t.Context(), c.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v, want not found", err)
	}
	again := c.Clone()
	again.Subject = "grace"
	if _, err := st.Insert(t.Context(), again, store.Limits{}); err != nil {
		t.Errorf("Insert of what was deleted: %v", err)
	}
	if got, err := st.Find(t.Context(), c.Kind, c.Digest); err != nil || got.Subject != "grace" {
		t.Errorf("Find = %+v, %v", got, err)
	}
	wantPermanent(t, client)
	if n, err := st.Erase(t.Context(), "grace"); n != 1 || err != nil {
		t.Errorf("Erase = %d, %v", n, err)
	}
}

// B15: an erased account leaves no key.
func TestEraseLeavesNothing_B15(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "erase"})
	for i := range 700 {
		c := unplaced(st)
		c.ClientID = fmt.Sprint("client-", i%3)
		if i%2 == 0 {
			c.RevokedAt = c.CreatedAt
		}
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := st.Erase(t.Context(), "ada"); n != 700 || err != nil {
		t.Errorf("Erase = %d, %v", n, err)
	}
	if keys := allKeys(t, client); len(keys) > 0 {
		t.Errorf("%d keys are left: %.200q", len(keys), keys)
	}
}

func allKeys(t *testing.T, client rueidis.Client) []string {
	t.Helper()
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// placed returns a credential of ada whose digest and ID fit.
func placed(st *redisstore.Store) *store.Credential {
	c := credential("ada")
	for !st.FitsDigest("ada", c.Digest) {
		c.Digest[0]++
	}
	for random, i := c.ID, 0; !st.FitsID("ada", c.ID); i++ {
		c.ID = random + strconv.Itoa(i)
	}
	c.Family = c.ID
	return c
}

// unplaced returns a credential of ada whose digest and ID do not fit.
func unplaced(st *redisstore.Store) *store.Credential {
	for {
		if c := credential("ada"); !st.FitsDigest("ada", c.Digest) && !st.FitsID("ada", c.ID) {
			return c
		}
	}
}

// S10: a batch of uses is one round trip.
func TestTouchIsOneRoundTrip(t *testing.T) {
	server := services.StartRedis(t)
	var turns turnCounter
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DialCtxFn: turns.dial, PipelineMultiplex: -1, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st := open(t, client)
	tokens, err := bearer.New(bearer.Config{Store: st, Limit: -1, HourlyLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	uses := make([]store.Use, 1000)
	for i := range uses {
		_, c, err := tokens.Issue(t.Context(), bearer.Request{Subject: fmt.Sprint("account-", i%200)})
		if err != nil {
			t.Fatal(err)
		}
		uses[i] = store.Use{ID: c.ID, At: time.Now()}
	}
	if err := st.Touch(t.Context(), uses[:1]); err != nil { // loads the script into the server
		t.Fatal(err)
	}
	before := turns.Load()
	if err := st.Touch(t.Context(), uses); err != nil {
		t.Fatal(err)
	}
	if n := turns.Load() - before; n != 1 {
		t.Errorf("%d round trips, want 1", n)
	}
	for _, u := range uses {
		if c, err := st.Get(t.Context(), u.ID); err != nil || c.LastUsedAt.IsZero() {
			t.Fatalf("not recorded: %+v, %v", c, err)
		}
	}
}

// R17: with Replicas, a write that no replica has returns an error. A write that a
// replica has survives the promotion of that replica.
func TestReplicasHaveWhatWasAcknowledged(t *testing.T) {
	primary := services.StartRedis(t)
	replica := primary.StartReplica(t)
	st := openWith(t, redisstore.Config{Client: connect(t, primary), Prefix: "wait", Replicas: 1, Timeout: 2 * time.Second})
	c := unplaced(st)
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	replica.Pause()
	_, err := st.Insert(t.Context(), credential("ada"), store.Limits{})
	outage(t, "Insert without the replica", err)
	primary.Kill()
	replica.Resume()
	replica.Promote()
	promoted := openWith(t, redisstore.Config{Client: connect(t, replica), Prefix: "wait"})
	if got, err := promoted.Find(t.Context(), c.Kind, c.Digest); err != nil || got.RevokedAt.IsZero() {
		t.Errorf("on the new primary: %+v, %v, want it revoked", got, err)
	}
	if got, err := promoted.Get(t.Context(), c.ID); err != nil || got.RevokedAt.IsZero() {
		t.Errorf("on the new primary, by ID: %+v, %v, want it revoked", got, err)
	}
}

// A turnCounter counts the writes to a connection that follow a read.
type turnCounter struct{ atomic.Int64 }
