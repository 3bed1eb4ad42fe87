// Package redisstore keeps credentials in Redis 7.0 or later, or in Valkey, on one
// server, behind sentinels or on a cluster: for services of many machines.
//
//	st, err := redisstore.Open(ctx, "redis://localhost:6379", redisstore.Config{Prefix: "myapp"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer st.Close()
//	tokens, err := bearer.New(bearer.Config{Store: st})
//
// A lookup is one command. Every change is one script, which the server runs
// without interruption. A [Store] is a [store.Watcher], so the caches of other
// machines learn within milliseconds of a revocation.
//
// # Current or unavailable
//
// A replica may be behind, so it may still show a revoked credential as valid. The
// store never accepts its answer: lookups use GETEX, which a replica refuses as it
// refuses writes. So a primary that is demoted while a process is connected is an
// outage from that moment on, with or without a cache's Watch; so is a host name
// that leads back to the old primary.
//
// A primary that was replaced without being demoted, because it was unreachable
// for those that replaced it, does not know it. With min-replicas-to-write 1 it
// refuses lookups and writes once it has not heard of a replica for
// min-replicas-max-lag seconds, rounded up by one. Without this setting it answers
// from old data for as long as clients reach it. Have at least two replicas, so that
// the loss of one is no outage.
//
// The price is that a server which refuses writes refuses lookups too: while
// FAILOVER or CLIENT PAUSE holds them back, and when it cannot write its
// append-only file or a snapshot (MISCONF). A full memory is no obstacle.
//
// # What the server must not lose
//
// A server that forgets its last second forgets the revocations of that second, and
// a revoked credential works again. So its configuration is part of the security of
// your service:
//
//	appendonly yes                # without it a restart loses everything since the last snapshot
//	appendfsync always            # everysec loses up to two seconds when the machine fails
//	maxmemory-policy noeviction   # other policies delete credentials when memory is full
//	min-replicas-to-write 1       # with replicas, see above
//	min-replicas-max-lag 10
//
// With appendfsync always, a write is on disk before its method returns. Open
// refuses a server with another maxmemory-policy. [Store.Check] examines all of it.
//
// Replication is asynchronous. When a replica takes over, what the primary had not
// sent to it is lost: credentials that were issued, and revocations.
// [Config.Replicas] makes each change wait until so many replicas have it. Even then
// a failover loses acknowledged changes if it promotes a replica that did not have
// them, so set Replicas to the number of replicas.
//
// # Retention
//
// Rows stay until your application calls [Store.Prune].
//
// # Keys
//
// Everything about one account is in one of 256 partitions. The keys of a partition
// begin with "prefix{tag}:", so they are in one slot of a cluster, and the
// partitions are spread evenly over its primaries. A credential takes about 1.5 KB.
//
// A user of the server needs these permissions:
//
//	ACL SETUSER myapp on >... ~myapp{*}:* &myapp{*}:changes +@connection +get +getex
//	    +set +persist +pttl +del +exists +zadd +zrange +zrem +zlexcount +sadd +srem
//	    +srandmember +eval +evalsha +spublish +ssubscribe +info +time +role +scan +wait
//	    +config|get +cluster|slots +cluster|shards
//
// Without config|get, Check does not see the value of appendfsync.
//
// # Outages
//
// A server that is down, silent, loading its data or a replica is an outage: an
// error that is none of those of package store. A refused connection is reported at
// once, a silent server within [Config.Timeout]. Revoke, Prune and Erase work on
// a server whose memory is full.
//
// No write is sent twice. So a write whose answer is lost fails although it may
// have happened; Rotate of the same credential then returns store.ErrConflict,
// because it has a successor whose plaintext no client received.
package redisstore
