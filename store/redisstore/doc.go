// Package redisstore keeps credentials in Redis 7.0 or later, or in Valkey: on one
// server, behind sentinels, or on a cluster. It is for services on many machines.
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
// A replica may lag behind, so it may still show a revoked credential as valid. The
// store never accepts its answer: lookups use GETEX, which a replica refuses like a
// write. So if a primary is demoted while a process is connected, every call is an
// outage from that moment on. The same holds if a host name leads back to the old
// primary.
//
// A primary may be replaced while it is unreachable. Then it is not demoted, and does
// not know that it was replaced. With min-replicas-to-write 1 it refuses lookups and
// writes after it has not heard from a replica for min-replicas-max-lag seconds,
// plus up to one second. Without this setting it answers from old data for as long as
// clients reach it. Have at least two replicas, so that the loss of one is no outage.
//
// As a consequence, a server that cannot accept writes refuses lookups, too: during
// FAILOVER or CLIENT PAUSE, and if it cannot write its append-only file or a snapshot
// (MISCONF). A server whose memory is full still answers lookups.
//
// # What the server must not lose
//
// A server that loses its last second of writes loses the revocations of that second,
// and a revoked credential works again. So the configuration of the server is part of
// the security of your service:
//
//	appendonly yes                # without it a restart loses everything since the last snapshot
//	appendfsync always            # everysec loses up to two seconds when the machine fails
//	maxmemory-policy noeviction   # other policies delete credentials when memory is full
//	min-replicas-to-write 1       # with replicas, see above
//	min-replicas-max-lag 10
//
// With appendfsync always, a write is on disk before its method returns. Open refuses
// a server with another maxmemory-policy. [Store.Check] examines all these settings.
//
// Replication is asynchronous. When a replica takes over, credentials and revocations
// that it had not received are lost. With [Config.Replicas], each change waits until
// that many replicas have it. A failover still loses acknowledged changes if it
// promotes a replica that did not have them, so set Replicas to the number of
// replicas.
//
// # Retention
//
// Rows stay until your application calls [Store.Prune].
//
// # Keys
//
// All keys of an account are in one of 256 partitions. The keys of a partition begin
// with "prefix{tag}:", so they are in one slot of a cluster. The partitions are spread
// evenly over the primaries. A credential takes about 1.5 KB.
//
// The Redis user of your service needs these permissions:
//
//	ACL SETUSER myapp on >... ~myapp{*}:* &myapp{*}:changes +@connection +get +getex
//	    +set +persist +pttl +del +exists +zadd +zrange +zrem +zlexcount +sadd +srem
//	    +srandmember +eval +evalsha +spublish +ssubscribe +info +time +role +scan +wait
//	    +config|get +cluster|slots +cluster|shards
//
// Without config|get, Check cannot read appendfsync and replica-read-only.
//
// # Outages
//
// If the server is down, silent, still loading its data, or a replica, calls return
// an outage: an error that is none of those of package store. A refused connection
// is reported at once, a silent server within [Config.Timeout]. Revoke, Prune and
// Erase work on a server whose memory is full.
//
// No write is sent twice. So a write whose answer is lost returns an error, although
// it may have happened. If it was a Rotate, the next Rotate of the same credential may
// return store.ErrConflict, because the credential already has a successor whose
// plaintext no client received.
package redisstore
