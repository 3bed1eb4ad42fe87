// Package store is where credentials are kept: the row, the contract of a
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
// What an account did in the past slows neither its own calls nor those of
// others. Each method of [Store] says what its work depends on: one row, one page,
// or the live credentials of one account. None depends on how many ended
// credentials the account has.
package store

import (
	"context"
	"errors"
	"time"
)

// The answers of a store that are not outages. They may be wrapped; test for
// them with [errors.Is].
var (
	// ErrNotFound: there is no such credential. A store returns it only after
	// it has looked.
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

// A Finder looks credentials up by digest: all that authenticating a request
// needs. See [FindOnly].
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
// completely or, when it returns an error, not at all; conflicting calls happen
// one after the other. What a method has returned is kept, and every call that
// starts afterwards sees it.
//
// A store that asks a server bounds how long it waits, because its callers do
// not: a request waits as long as its lookup.
//
// A store copies what it is given and rounds times down to whole microseconds,
// in UTC. What it returns is shared, and no caller may modify it. An empty slice
// may come back as nil, because both mean the same. A time that is zero comes back
// as zero, and no other time does: the first second of 1970 is a time like any
// other.
//
// Strings are equal if their bytes are. A database may disagree, because of its
// collation or because it trims spaces. IDs that are looked up come from URLs, so
// they may be any string; one that the store cannot represent is reported as not
// found.
//
// Where a call can be refused for more than one reason, the store may return any
// of them. A mistake of the caller (a [Query] or [Filter] that is not valid, a
// zero time where one is needed, also one that rounds down to zero, a rotation to
// another subject) is an error
// that names the mistake and is none of this package's variables. A call whose
// context has ended changes nothing and returns an error that is none of this
// package's variables; one that only reads may still return the right answer.
type Store interface {
	Finder

	// Get returns the credential with this ID, or ErrNotFound.
	Get(ctx context.Context, id string) (*Credential, error)

	// Insert adds c within the limits l, which are exact however many calls
	// run at once. It returns ErrExists if c.ID or c.Digest is taken, and
	// ErrLimit if c would exceed a limit. With l.EndOldest it revokes older
	// credentials, at c.CreatedAt, which must not be zero then, and returns
	// their digests.
	//
	// Its work depends on the limits, and on the live credentials of
	// c.Subject.
	Insert(ctx context.Context, c *Credential, l Limits) ([]Digest, error)

	// List returns one page of what q selects, newest first: by CreatedAt
	// and, where that is equal, by the bytes of ID, both descending. It
	// returns the cursor of the next page, or "" if this is the last one.
	//
	// Its work depends on the size of the page; with q.Active, on the live
	// credentials of q.Subject.
	List(ctx context.Context, q Query) ([]*Credential, Cursor, error)

	// Update changes the fields that ch names and returns the credential as
	// it is afterwards, or ErrNotFound. It applies to ended credentials too and
	// never revives one: it changes no time, kind, subject or digest.
	Update(ctx context.Context, id string, ch Changes) (*Credential, error)

	// Rotate replaces the credential with this ID by next, in one step: the
	// old one gets RotatedAt = next.CreatedAt and expires at until, or when
	// it would have expired anyway if that is sooner (a zero until is
	// never); next is inserted. It must have the same subject. If the old one
	// is not active at next.CreatedAt, or already rotated, Rotate returns
	// ErrConflict, so exactly one of many callers succeeds. It returns
	// ErrNotFound if there is no such credential, ErrExists if next's ID or Digest is taken, and
	// ErrLimit if next would exceed l.Recent. l.Active does not count here,
	// because next takes the place of the old one: an account at its limit can
	// renew what it has.
	Rotate(ctx context.Context, id string, until time.Time, next *Credential, l Limits) error

	// Revoke sets RevokedAt to at on every live credential that f selects,
	// and returns the digests of those that it changed. Live means neither
	// revoked before nor expired for more than [Skew] at the given time. So
	// revoking again changes nothing: the first time stays. It is no error if
	// f selects nothing.
	//
	// It includes every credential whose Insert or Rotate returned before
	// Revoke began, and the successors of credentials that are rotated
	// meanwhile.
	//
	// Its work depends on the live credentials of the subject. A store may
	// revoke more than 1000 of them in steps; if a step fails, earlier ones
	// stay revoked and Revoke returns their digests with the error. Calling it
	// again continues.
	Revoke(ctx context.Context, f Filter, at time.Time) ([]Digest, error)

	// Touch records uses: for each it sets LastUsedAt and LastUsedAddr,
	// unless LastUsedAt is not earlier already. It changes nothing else, so it
	// never undoes a revocation that happens meanwhile, and it skips unknown
	// IDs. Callers pass at most 1000 uses; a store on a server records them in
	// one round trip. It need not be atomic.
	Touch(ctx context.Context, uses []Use) error

	// Prune deletes credentials that have ended (expired or been revoked) and
	// returns how many. It works in steps, so that other calls go on
	// meanwhile, and returns with an error how many the earlier steps have
	// deleted. Only your application calls Prune.
	Prune(ctx context.Context, before PruneBefore) (int, error)

	// Erase deletes every credential of a subject, of all kinds, and returns
	// how many it deleted. It works in steps: first it revokes, as Revoke does
	// at the present time, then it deletes. If a step fails, calling it again
	// continues. It deletes every credential that was inserted before Erase
	// began.
	Erase(ctx context.Context, subject string) (int, error)
}

// Skew is how far the clocks of processes that share a store may differ.
// [Store.Revoke] revokes credentials that expired up to so long before, because
// another process may still accept them.
const Skew = time.Minute
