// Package store defines how credentials are kept: the row, the contract of a
// store, and [Memory], a store for services of one process and for tests.
//
// A store only keeps rows. The packages that authenticate decide, in one place,
// whether a credential may be used. So a store needs no knowledge of
// authentication, and you can write one on a table that you already have:
// implement [Store] and prove it with
// [github.com/keystile/keystile/store/storetest].
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return openEmpty(t) })
//	}
//
// # Three outcomes
//
// A lookup finds a row, finds that there is none, or fails. A failure is an
// outage and must never look like an answer: a dead server, a timeout and a
// canceled context are never [ErrNotFound]. The schemes answer an outage with 503
// and an unknown credential with 401, so a store that confuses the two signs out
// every user of a healthy service.
//
// # Bounded work
//
// The past of an account slows neither its own calls nor those of others. The
// comment of each method of [Store] states what its work depends on: one row, one
// page, or the live credentials of one account. It never depends on how many ended
// credentials the account has.
package store

import (
	"context"
	"errors"
	"time"
)

// Errors that are answers of a store, not outages. They may be wrapped; test for
// them with [errors.Is].
var (
	// ErrNotFound: there is no such credential. A store returns it only if it
	// could look and found none.
	ErrNotFound = errors.New("store: credential not found")

	// ErrExists: the ID or the Digest is taken.
	ErrExists = errors.New("store: credential exists")

	// ErrLimit: the subject holds as many credentials of the kind as it may,
	// or has created as many as it may for now. See [Limits].
	ErrLimit = errors.New("store: limit of credentials reached")

	// ErrConflict: the credential is revoked, expired or already rotated, so
	// it cannot be rotated.
	ErrConflict = errors.New("store: credential is no longer current")
)

// A Finder looks credentials up by digest. Authenticating a request needs nothing
// else. See [FindOnly].
type Finder interface {
	// Find returns the credential with this kind and digest, whether or not
	// it is still valid. It returns ErrNotFound if there is none; any other
	// error is an outage.
	//
	// It must compare all 32 bytes of the digest.
	Find(ctx context.Context, k Kind, d Digest) (*Credential, error)
}

// A Store keeps credentials.
//
// All methods are safe for concurrent use, by one process or by many. Each is
// atomic, except where its comment says that it works in steps: it happens
// completely or, when it returns an error, not at all. Conflicting calls happen
// one after the other. A change is kept once its method has returned, and every
// call that starts afterwards sees it.
//
// A store that asks a server must bound how long it waits, because its callers set
// no timeout: a request waits as long as its lookup.
//
// A store copies its arguments and rounds times down to whole microseconds, in UTC.
// Returned credentials are shared, and no caller may modify them. An empty slice
// may come back as nil, because both mean the same. A zero time comes back as zero.
// No other time does, not even the Unix epoch.
//
// Strings are equal if their bytes are. A database may compare them differently,
// because of its collation or because it trims spaces. IDs that are looked up come
// from URLs, so they may be any string; an ID that the store cannot represent is
// reported as not found.
//
// If a call can be refused for more than one reason, the store may return any of
// them. A mistake of the caller is an error that names the mistake and is none of
// this package's variables. Mistakes are a [Query] or [Filter] that is not valid, a
// time that is zero or rounds down to zero where one is needed, and a rotation to
// another subject. A call whose context has ended changes nothing and returns an
// error that is none of this package's variables; a call that only reads may still
// return the right answer.
type Store interface {
	Finder

	// Get returns the credential with this ID, or ErrNotFound.
	Get(ctx context.Context, id string) (*Credential, error)

	// Insert adds c within the limits l, which hold even if many calls run at
	// once. It returns ErrExists if c.ID or c.Digest is taken, and ErrLimit if c
	// would exceed a limit. With l.EndOldest it revokes the oldest credentials as
	// of c.CreatedAt, which must not be zero, and returns their digests.
	//
	// Its work depends on the limits and on the live credentials of c.Subject.
	Insert(ctx context.Context, c *Credential, l Limits) ([]Digest, error)

	// List returns one page of the credentials that q selects, newest first: by
	// CreatedAt and, where that is equal, by the bytes of ID, both descending. It
	// returns the cursor of the next page, or "" if this is the last one.
	//
	// Its work depends on the size of the page; with q.Active, on the live
	// credentials of q.Subject.
	List(ctx context.Context, q Query) ([]*Credential, Cursor, error)

	// Update changes the fields that are set in ch, and returns the changed
	// credential, or ErrNotFound. It also works on ended credentials. It never
	// revives one, because it changes no time, kind, subject or digest.
	Update(ctx context.Context, id string, ch Changes) (*Credential, error)

	// Rotate replaces the credential with this ID by next, in one step. It
	// inserts next, and sets RotatedAt of the old one to next.CreatedAt. The old
	// one expires at until, or at its ExpiresAt if that is sooner; a zero until
	// means never. Both must have the same subject.
	//
	// If the old one is not active at next.CreatedAt, or already rotated, Rotate
	// returns ErrConflict, so exactly one of many callers succeeds. It returns
	// ErrNotFound if there is no such credential, ErrExists if next's ID or
	// Digest is taken, and ErrLimit if next would exceed l.Recent. It ignores
	// l.Active, because next takes the place of the old one: an account at its
	// limit can still rotate.
	Rotate(ctx context.Context, id string, until time.Time, next *Credential, l Limits) error

	// Revoke sets RevokedAt to at on every live credential that f selects, and
	// returns the digests of the credentials that it changed. A credential is
	// live if [Credential.Live] is true at that time. So revoking again changes
	// nothing, and RevokedAt keeps the first time. It is no error if f selects
	// nothing.
	//
	// Revoke covers every credential whose Insert or Rotate returned before
	// Revoke began. It also covers the successors of credentials that are rotated
	// while it runs.
	//
	// Its work depends on the live credentials of the subject. A store may
	// revoke more than 1000 of them in steps; if a step fails, earlier ones
	// stay revoked and Revoke returns their digests with the error. Calling it
	// again continues.
	Revoke(ctx context.Context, f Filter, at time.Time) ([]Digest, error)

	// Touch records uses: for each it sets LastUsedAt and LastUsedAddr, if the
	// stored LastUsedAt is earlier. It changes nothing else, so it never undoes a
	// revocation that runs at the same time. It skips unknown IDs. Callers pass at
	// most 1000 uses; a store on a server records them in one round trip. Touch
	// need not be atomic.
	Touch(ctx context.Context, uses []Use) error

	// Prune deletes credentials that have ended (expired or been revoked) and
	// returns how many. It works in steps, so that other calls do not wait for
	// long. If a step fails, Prune returns the error and how many credentials the
	// earlier steps deleted. Only your application calls Prune.
	Prune(ctx context.Context, before PruneBefore) (int, error)

	// Erase deletes every credential of a subject, of all kinds, that was inserted
	// before Erase began, and returns how many. It works in steps: first it
	// revokes them, like Revoke at the present time, then it deletes them. If a
	// step fails, calling it again continues.
	Erase(ctx context.Context, subject string) (int, error)
}

// Skew is how far the clocks of processes that share a store may differ.
// [Store.Revoke] also revokes credentials that expired less than Skew before,
// because a process whose clock is behind may still accept them.
const Skew = time.Minute
