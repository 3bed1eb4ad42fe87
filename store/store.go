// Package store is where credentials are kept: the record, the contract of a
// store, and [Memory], a store for services of one process and for tests.
//
// A store only keeps rows. Whether a credential may be used (expiry,
// revocation, networks) is decided by the packages that authenticate, in one
// place. So a store needs no knowledge of authentication, and a host can write
// one on the table it already has: implement [Store] and prove it with
// [github.com/keystile/keystile/store/storetest].
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return openEmpty(t) })
//	}
//
// # Three outcomes
//
// A lookup finds a row, finds that there is none, or does not know. The last
// is an outage and must never look like the second: a dead server, a timeout
// and a cancelled context are never [ErrNotFound]. Whoever asked answers 503 to
// an outage and 401 to an unknown credential; a store that confuses them signs
// out every user of a healthy service.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The answers of a store that are not outages. They may be wrapped; test for
// them with [errors.Is].
var (
	// ErrNotFound: there is no such credential. A store answers it only
	// after it has looked.
	ErrNotFound = errors.New("store: credential not found")

	// ErrExists: the ID or the Digest is taken.
	ErrExists = errors.New("store: credential exists")

	// ErrLimit: the subject holds as many active credentials of the kind as
	// it may.
	ErrLimit = errors.New("store: limit of active credentials reached")

	// ErrConflict: the credential is revoked, expired or already rotated, so
	// it cannot be rotated.
	ErrConflict = errors.New("store: credential is no longer current")
)

// A Finder looks credentials up by digest: all that authenticating a request
// needs. See [FindOnly].
type Finder interface {
	// Find returns the credential with this kind and digest, whether or not
	// it is still valid. It returns ErrNotFound if there is none; any other
	// error means that the store could not tell.
	//
	// It must compare all 32 bytes of the digest.
	Find(ctx context.Context, k Kind, d Digest) (*Credential, error)
}

// A Store keeps credentials.
//
// All methods are safe for concurrent use, by one process or by many. Each is
// atomic: it happens wholly or, when it returns an error, not at all; of
// conflicting calls one goes first. What a method has returned is kept, and
// visible to every call that starts afterwards.
//
// A store that asks a server bounds how long it waits: nobody does that for it,
// and a request waits as long as its lookup.
//
// A store copies what it is given and rounds times down to whole microseconds,
// in UTC. What it returns is shared and must not be modified by anyone. An empty
// slice may come back as nil, as both mean the same; a time that is zero, and no
// other, as zero: the first second of 1970 is a time like any.
//
// Strings are the same if their bytes are. A database may think otherwise, by
// its collation or by trimming spaces. IDs that are looked up come from URLs, so
// they may be anything; what the store could not keep is not found.
//
// Active is what [Credential.Active] says. Where a call may be refused for more
// than one reason, any of them will do. What is refused as a mistake of the
// caller is an error that names it and is none of this package's variables: a
// [Filter] that is not valid, a zero time where one is needed, also one that is
// zero when it is rounded. A call whose context is over changes
// nothing and returns an error that is none of this package's; one that only
// reads may return the right answer all the same.
type Store interface {
	Finder

	// Get returns the credential with this ID, or ErrNotFound.
	Get(ctx context.Context, id string) (*Credential, error)

	// Insert adds c. It returns ErrExists if c.ID or c.Digest is taken and,
	// if limit is positive, ErrLimit when c.Subject holds limit or more
	// credentials of c.Kind that are active at c.CreatedAt. The limit is
	// exact however many calls run at once.
	Insert(ctx context.Context, c *Credential, limit int) error

	// List returns the credentials that match f, newest first: by CreatedAt
	// and, where that is equal, by the bytes of ID, both descending. It
	// returns at most f.Limit of them, those after the one with the ID
	// f.Before. If that one is not there (any more) it returns ErrNotFound,
	// not the wrong page.
	List(ctx context.Context, f Filter) ([]*Credential, error)

	// Revoke sets RevokedAt to at on every credential that matches f and is
	// not revoked yet, and returns the digests of those. Revoking again
	// changes nothing: the first time stays. No match is no error. Limit and
	// Before have no meaning here and must be zero. At must not be: a zero
	// time is never, so it would revoke nothing and look as if it had.
	Revoke(ctx context.Context, f Filter, at time.Time) ([]Digest, error)

	// Rotate replaces the credential with this ID by next, in one step: the
	// old one gets RotatedAt = next.CreatedAt and expires at until, or when
	// it would have expired anyway if that is sooner (a zero until is
	// never); next is inserted, with no regard to a limit. If the old one is
	// not active at next.CreatedAt, or rotated already, it returns
	// ErrConflict, so of many callers exactly one succeeds. It returns
	// ErrNotFound if there is no such credential, and ErrExists if next's ID
	// or Digest is taken. A zero next.CreatedAt is refused, as the old one
	// would not be marked as rotated.
	Rotate(ctx context.Context, id string, until time.Time, next *Credential) error

	// Touch sets LastUsedAt to at, unless it is later already, and nothing
	// else: it never inserts and never undoes a revocation that happens
	// meanwhile. It returns ErrNotFound if there is no such credential.
	Touch(ctx context.Context, id string, at time.Time) error

	// Prune deletes every credential that expired or was revoked before the
	// given time and returns how many. Deleted rows can no longer show the
	// reuse of a rotated credential, so keep them for a while: 30 days is
	// usual. Nothing calls Prune but the host.
	Prune(ctx context.Context, before time.Time) (int, error)
}

// DefaultLimit is how many credentials [Store.List] returns where
// [Filter.Limit] is zero.
const DefaultLimit = 100

// A Filter selects credentials. Zero fields do not restrict; fields that are
// set must all match. At least one of ID, Subject, Family and Parent must be
// set, so that a forgotten field never means everyone.
type Filter struct {
	Kind    Kind
	ID      string
	Subject string
	Family  string
	Parent  string
	Except  string // the ID of a credential to leave out
	Active  bool   // only those neither expired nor revoked: at the time that Revoke is given, or now
	Limit   int    // for List: at most so many; 0: DefaultLimit
	Before  string // for List: the ID of the last credential of the page before
}

// Validate returns an error that says what is wrong with f, or nil. Stores
// call it first in List and Revoke.
func (f Filter) Validate() error {
	switch {
	case f.ID == "" && f.Subject == "" && f.Family == "" && f.Parent == "":
		return errors.New("store: Filter: one of ID, Subject, Family and Parent must be set")
	case f.Limit < 0:
		return fmt.Errorf("store: Filter.Limit: %d: must not be negative", f.Limit)
	}
	return nil
}

// Match reports whether c is selected by f at now. It disregards Limit and
// Before.
func (f Filter) Match(c *Credential, now time.Time) bool {
	return (f.Kind == "" || f.Kind == c.Kind) &&
		(f.ID == "" || f.ID == c.ID) &&
		(f.Subject == "" || f.Subject == c.Subject) &&
		(f.Family == "" || f.Family == c.Family) &&
		(f.Parent == "" || f.Parent == c.Parent) &&
		(f.Except == "" || f.Except != c.ID) &&
		(!f.Active || c.Active(now))
}
