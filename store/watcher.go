package store

import "context"

// A Watcher is a [Store] that tells of changes, those of other processes too,
// so that a cache can forget what has changed. It is optional.
type Watcher interface {
	// Watch reports changes until ctx is done or it can no longer be sure to
	// report them all, and returns why. Whoever wants more calls it again,
	// and takes for unknown what happened in between.
	//
	// It calls changed with the digest of every credential that Insert added
	// and that Revoke or Rotate changed, soon after: within milliseconds
	// where all is well, and not before a Find sees the change. Touch and Prune
	// are not reported.
	//
	// It calls alive as soon as it reports changes, and then twice a second
	// or more often. Each call means that every change that was complete half
	// a second before has been reported. So who has not heard of it for
	// longer than that no longer knows what has changed.
	//
	// Both are called by one goroutine at a time, not after Watch has returned,
	// and must be quick.
	Watch(ctx context.Context, alive func(), changed func(Digest)) error
}
