package store

import (
	"context"
	"iter"
)

// A Watcher is a [Store] that reports changes, also those of other processes, so
// that a cache can forget what has changed. It is optional.
type Watcher interface {
	// Watch reports changes until ctx is done or it can no longer be sure to
	// report them all, and returns the reason. A caller that wants to go on
	// calls it again, and takes everything it knew for outdated.
	//
	// It calls changed with the digest of every credential that was inserted,
	// updated, rotated, revoked or erased, and with every digest that
	// [Notifier.Notify] was given: within milliseconds where all is well, and
	// not before a Find sees the change. Touch and Prune are not reported.
	//
	// It calls alive as soon as it reports changes, and then at least twice a
	// second. Each call means that every change that was complete half a second
	// before has been reported. So a caller that has not heard of alive for
	// longer than that no longer knows what has changed.
	//
	// Both are called by one goroutine at a time, not after Watch has returned,
	// and must return quickly.
	Watch(ctx context.Context, alive func(), changed func(Digest)) error
}

// A Notifier is a [Watcher] that passes messages on: each digest that Notify is
// given reaches every Watch on the same data, in every process. It is optional.
type Notifier interface {
	// Notify returns once the message is sent. An error means that it may not
	// have been.
	Notify(ctx context.Context, d Digest) error
}

// A Checker is a [Store] that can tell whether it is fit to keep credentials. It
// is optional.
type Checker interface {
	// Check returns nil if the store is current and writable, and its server
	// is configured to keep what it acknowledged. Otherwise the error names
	// everything that it found, with the remedy. Its cost is a few round trips:
	// call it from a health endpoint or a command, not for every request.
	Check(ctx context.Context) error
}

// A Scanner is a [Store] that lists credentials of all accounts, for
// administrators. It is optional.
type Scanner interface {
	// Scan yields what f selects, in no particular order, in pages: it never
	// holds the whole table in memory, nor keeps others from writing. Changes
	// that happen meanwhile may or may not be seen. After an error it yields
	// nothing more.
	Scan(ctx context.Context, f ScanFilter) iter.Seq2[*Credential, error]
}

// A Placer is a [Store] on several servers that keeps everything about one
// subject on one of them. Schemes draw digests and IDs at random until they fit
// their subject, about 256 times, so that the store finds a credential without
// looking up where it is. One that does not fit, such as an imported one, works as
// well and costs Find one more step. It is optional.
type Placer interface {
	// FitsDigest reports whether the digest fits the subject. Like FitsID it
	// asks no server, is called often, and must be quick.
	FitsDigest(subject string, d Digest) bool

	// FitsID reports whether the ID fits the subject.
	FitsID(subject, id string) bool
}
