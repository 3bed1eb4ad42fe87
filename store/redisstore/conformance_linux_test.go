package redisstore_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// R1, R3, R4, R6, R8, R10 and all else that stores promise, for a user who may do
// no more than the documentation says.
func TestStore(t *testing.T) {
	server := services.StartRedis(t)
	if _, err := server.Do("ACL", "SETUSER", "app", "on", "nopass", "~{*", "&{*", "+@connection",
		"+get", "+set", "+del", "+exists", "+pexpireat", "+zadd", "+zrange", "+zrem", "+zlexcount",
		"+eval", "+evalsha", "+eval_ro", "+evalsha_ro", "+spublish", "+ssubscribe",
		"+info", "+cluster|slots", "+cluster|shards"); err != nil {
		t.Fatal(err)
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, Username: "app", Password: "any"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, client) })
}

// A page of one credential, by its ID, goes by the bytes of the IDs too.
func TestListOfOneBefore(t *testing.T) {
	st := open(t, connect(t, services.StartRedis(t)))
	ids := []string{"B", "a", "aa", "\xc3\xa9"} // in the order of their bytes
	now := time.Now()
	for _, id := range ids {
		c := credential("ada")
		c.ID, c.CreatedAt = id, now
		if err := st.Insert(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range ids {
		for j, before := range ids {
			list, err := st.List(t.Context(), store.Filter{ID: id, Before: before})
			if err != nil || (len(list) == 1) != (i < j) {
				t.Errorf("List of %q before %q: %d credentials, %v", id, before, len(list), err)
			}
		}
	}
}

// A server of a cluster refuses what is not in one slot.
func TestStoreOnCluster(t *testing.T) {
	client := connect(t, startCluster(t))
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, client) })
}

// startCluster starts a cluster of one.
func startCluster(t *testing.T) *services.Redis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	bus := l.Addr().(*net.TCPAddr).Port
	server := services.StartRedis(t, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", strconv.Itoa(bus))
	if _, err := server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the cluster is up", func() bool {
		_, err := server.Do("GET", "key")
		return err == nil
	})
	return server
}
