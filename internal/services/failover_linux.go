package services

import "testing"

// A RedisFailover is a primary and a replica that can take over. Clients connect
// through a proxy, which stands for a DNS name. It leads to the primary at first.
type RedisFailover struct {
	Old, New *Redis
	Name     *Proxy
}

// StartRedisFailover starts the servers and the proxy, which end with the test. After
// a primary loses its replica, it refuses writes within about two seconds.
func StartRedisFailover(tb testing.TB) *RedisFailover {
	tb.Helper()
	f := &RedisFailover{Old: StartRedis(tb, "--appendonly", "yes", "--appendfsync", "always",
		"--min-replicas-to-write", "1", "--min-replicas-max-lag", "2", "--repl-diskless-sync-delay", "0")}
	f.New = f.Old.StartReplica(tb)
	f.Old.await("the primary has its replica", func() bool { return f.Old.Info("replication")["min_slaves_good_slaves"] == "1" })
	f.Name = StartProxy(tb, f.Old.Addr())
	return f
}

// RedisTakeovers returns the ways in which the replica can take over. Each calls
// revoke after the replica has become the primary.
func RedisTakeovers() map[string]func(tb testing.TB, f *RedisFailover, revoke func()) {
	return map[string]func(tb testing.TB, f *RedisFailover, revoke func()){
		"demoted, link down": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.New.Promote()
			f.Old.ReplicaOf("127.0.0.1:1")
			revoke()
		},
		"demoted, link lagging": func(tb testing.TB, f *RedisFailover, revoke func()) {
			f.New.Promote()
			link := StartProxy(tb, f.New.Addr())
			f.Old.ReplicaOf(link.Addr())
			f.Old.await("the link is up", func() bool { return f.Old.Info("replication")["master_link_status"] == "up" })
			link.Pause()
			revoke()
		},
		"name leads back": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.New.Promote()
			f.Name.Redirect(f.New.Addr())
			f.Name.Cut()
			f.Old.ReplicaOf("127.0.0.1:1")
			revoke()
			f.Name.Redirect(f.Old.Addr())
			f.Name.Cut()
		},
		"paused, then demoted": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.Old.Pause()
			f.New.Promote()
			revoke()
			f.Old.Resume()
			f.Old.ReplicaOf(f.New.Addr())
		},
		"paused, then a primary without replica": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.Old.Pause()
			f.New.Promote()
			revoke()
			f.Old.Resume()
			f.Old.await("the old primary misses its replica", func() bool { return f.Old.Info("replication")["connected_slaves"] == "0" })
		},
		"killed, then a primary without replica": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.Old.Kill()
			f.New.Promote()
			revoke()
			f.Old.Start()
		},
		"cut off": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.New.Promote()
			f.Old.await("the old primary misses its replica", func() bool { return f.Old.Info("replication")["connected_slaves"] == "0" })
			revoke()
		},
		"killed": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.Old.Kill()
			f.New.Promote()
			revoke()
		},
		"silent": func(_ testing.TB, f *RedisFailover, revoke func()) {
			f.Old.Pause()
			f.New.Promote()
			revoke()
		},
	}
}
