package store

import (
	"context"
	"iter"
)

// A Watcher is a [Store] that reports changes, including those of other processes,
// so that a cache can drop outdated rows. It is optional.
type Watcher interface {
	// Watch reports changes until ctx is done, or until it may have missed a
	// change. It returns the reason. A caller that wants to go on calls it again,
	// and treats everything it knew as outdated.
	//
	// It calls changed with the digest of every credential that was inserted,
	// updated, rotated, revoked or erased, and with every digest that was passed
	// to [Notifier.Notify]. The call normally comes within milliseconds, and never
	// before Find shows the change. Touch and Prune are not reported.
	//
	// It calls alive when it has begun to report changes, and then at least twice
	// a second. Each call means that every change that was complete half a second
	// before has been reported. If alive is not called for longer than that,
	// changes may be missing.
	//
	// Calls of the two functions never overlap, and none comes after Watch has
	// returned. Both functions must return quickly.
	Watch(ctx context.Context, alive func(), changed func(Digest)) error
}

// A Notifier is a [Watcher] that can also send messages: each digest that is passed
// to Notify reaches every Watch on the same data, in every process. It is optional.
type Notifier interface {
	// Notify returns once the message is sent. If it returns an error, the message
	// may or may not have been sent.
	Notify(ctx context.Context, d Digest) error
}

// A Checker is a [Store] that can examine whether its server is fit to keep
// credentials. It is optional.
type Checker interface {
	// Check returns nil if the store is current and writable, and its server
	// is configured to keep every write that it acknowledges. Otherwise the error
	// names each problem and its remedy. Check takes a few round trips: call it
	// from a health endpoint or a command, not for every request.
	Check(ctx context.Context) error
}

// A Scanner is a [Store] that lists credentials of all accounts, for
// administrators. It is optional.
type Scanner interface {
	// Scan yields the credentials that f selects, in no particular order. It reads
	// them in pages, so it does not load the whole table at once, and does not
	// block writers. A change during the scan may or may not be seen. After an
	// error it yields nothing more.
	Scan(ctx context.Context, f ScanFilter) iter.Seq2[*Credential, error]
}

// A Placer is a [Store] on several servers that keeps everything about one
// subject on one of them. Schemes draw digests and IDs at random until they fit
// the subject, which takes about 256 tries. The store then finds the credential
// without looking up its server first. A credential that does not fit, such as an
// imported one, works too, but costs Find one more step. It is optional.
type Placer interface {
	// FitsDigest reports whether the digest fits the subject. FitsDigest and
	// FitsID are called often, so they must be quick and must not ask a server.
	FitsDigest(subject string, d Digest) bool

	// FitsID reports whether the ID fits the subject.
	FitsID(subject, id string) bool
}
