package redisstore_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
)

// startCluster starts a cluster of one server.
func startCluster(t *testing.T) *services.Redis { return startClusterOf(t, 1)[0] }

// startClusterOf starts a cluster of n primaries, which share the slots evenly.
func startClusterOf(t *testing.T, n int) []*services.Redis {
	t.Helper()
	servers := make([]*services.Redis, n)
	for i := range servers {
		servers[i] = startClusterNode(t)
		for _, command := range [][]string{
			{"CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(16384 * i / n), strconv.Itoa(16384*(i+1)/n - 1)},
			{"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)},
		} {
			if _, err := servers[i].Do(command...); err != nil {
				t.Fatal(err)
			}
		}
		if i > 0 {
			meet(t, servers[0], servers[i])
		}
	}
	for _, s := range servers {
		eventually(t, 20*time.Second, "the cluster is up", func() bool {
			info, err := s.Do("CLUSTER", "INFO")
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_size:%d", n))
		})
	}
	return servers
}

func startClusterNode(t *testing.T) *services.Redis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	bus := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	return services.StartRedis(t, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", bus,
		"--cluster-require-full-coverage", "no", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
}

// meet adds a server to a cluster.
func meet(t *testing.T, member, server *services.Redis) {
	t.Helper()
	host, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	bus, err := server.DoAll("CONFIG", "GET", "cluster-port")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Do("CLUSTER", "MEET", host, port, bus[1]); err != nil {
		t.Fatal(err)
	}
}

// addReplica adds a replica of a primary to its cluster.
func addReplica(t *testing.T, primary *services.Redis) *services.Redis {
	t.Helper()
	replica := startClusterNode(t)
	meet(t, primary, replica)
	id, err := primary.Do("CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the server becomes a replica", func() bool {
		_, err := replica.Do("CLUSTER", "REPLICATE", id)
		return err == nil
	})
	eventually(t, 20*time.Second, "the replica is linked", func() bool { return replica.Info("replication")["master_link_status"] == "up" })
	return replica
}
