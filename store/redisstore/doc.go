// Package redisstore keeps credentials in Redis 7.0 or later, or in Valkey, on
// one server or on a cluster: for services of many machines.
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{
//		InitAddress:      []string{"localhost:6379"},
//		ConnWriteTimeout: 2 * time.Second, // to give up a connection that is silent
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer client.Close()
//	st, err := redisstore.New(ctx, redisstore.Config{Client: client, Prefix: "myapp"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	tokens, err := bearer.New(bearer.Config{Store: st})
//
// Find is one GET. All that changes something is one script, which the server runs
// undisturbed. A [Store] is a [store.Watcher] too, so that the caches of other
// machines learn within milliseconds of what was revoked.
//
// # What the server must not lose
//
// A server that forgets the last second of its life forgets the revocations
// of that second: what was revoked works again. So how it is configured is part
// of the security of the service:
//
//	appendonly yes                # without it a restart loses all since the last snapshot
//	appendfsync always            # everysec loses up to two seconds when the machine fails
//	maxmemory-policy noeviction   # the others delete credentials when memory is full
//	min-replicas-to-write 1       # with replicas, see below
//	min-replicas-max-lag 10
//
// With appendfsync always a write is on disk before its method returns.
//
// New refuses a server with another maxmemory-policy. The volatile ones are no
// better: they delete what has a lifetime, and most credentials have one. A server
// may delete an index as well, and then Revoke no longer finds what it should.
//
// Replication is asynchronous. When a replica takes over, what the primary had
// not sent it yet is lost: credentials that were issued, and revocations.
// min-replicas-to-write lets a primary that is cut off refuse writes after
// min-replicas-max-lag seconds, which bounds that loss and does not prevent it.
// Package redisstore does not offer WAIT, which would not prevent it either.
// Where no revocation may be lost at all, use a database with synchronous
// replication.
//
// # Retention
//
// What has expired or was revoked stays for [Config.Retention], 30 days by
// default, so that its reuse is noticed; then the server deletes it by itself. What
// it leaves in the indexes is removed by later writes. Prune deletes earlier.
//
// # Keys
//
// Every key begins with "{prefix}:". The braces keep them in one slot of a cluster,
// because a script may touch only one: so one primary serves all credentials of a
// prefix. Where that is not enough, put a cache in front of the store, or give each
// group of accounts a store with a prefix of its own. A credential takes about
// 1.5 KB.
//
// A user of the server needs no more than this:
//
//	ACL SETUSER myapp on >... ~{myapp}:* &{myapp}:* +@connection +get +set +del
//	    +exists +pexpireat +zadd +zrange +zrem +zlexcount +eval +evalsha +eval_ro
//	    +evalsha_ro +spublish +ssubscribe +info +cluster|slots +cluster|shards
//
// # Outages
//
// A server that is down, does not answer within [Config.Timeout], is loading its
// data, is out of memory or has become a replica is an outage: an error that is none
// of those of package store. Revoke and Prune work on a server whose memory is full.
// The client asks again by itself where that is harmless: never for a write. So a
// write whose answer is lost fails, though it may have been made; Rotate
// of the same credential then returns store.ErrConflict, for it has a
// successor whose plaintext nobody knows.
package redisstore
