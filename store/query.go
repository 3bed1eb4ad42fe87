package store

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// DefaultLimit is how many credentials [Store.List] returns at most if
// [Query.Limit] is zero.
const DefaultLimit = 100

// AnyClient, as the [Query.ClientID], selects credentials that any client
// exchanged, and credentials that were not exchanged. It needs [Query.Active].
const AnyClient = "*"

// A Query selects a page of the credentials of one subject and kind. Subject and
// Kind are required.
type Query struct {
	Subject string
	Kind    Kind

	// ClientID selects credentials that this client exchanged. If it is empty,
	// the query selects credentials that were not exchanged. With Active it may
	// be AnyClient.
	ClientID string

	Active bool   // only credentials that are neither expired nor revoked now
	Limit  int    // the size of a page; 0: DefaultLimit
	After  Cursor // the cursor that List returned with the previous page; "": the first page
}

// Validate returns an error that describes what is wrong with q, or nil. Stores
// call it at the start of List.
func (q Query) Validate() error {
	switch {
	case q.Subject == "":
		return errors.New("store: Query.Subject: empty: a query lists the credentials of one subject")
	case q.Kind == "":
		return errors.New("store: Query.Kind: empty: a query lists credentials of one kind")
	case q.Limit < 0:
		return fmt.Errorf("store: Query.Limit: %d: must not be negative", q.Limit)
	case q.ClientID == AnyClient && !q.Active:
		return errors.New("store: Query.ClientID: AnyClient: needs Active, because ended credentials are listed by client")
	}
	_, _, err := q.After.Position()
	return err
}

// Match reports whether q selects c at now. It ignores Limit and After.
func (q Query) Match(c *Credential, now time.Time) bool {
	return c.Subject == q.Subject && c.Kind == q.Kind &&
		(q.ClientID == c.ClientID || q.ClientID == AnyClient) &&
		(!q.Active || c.Active(now))
}

// A Cursor is a position in the order of [Store.List]. It is opaque and may be
// used in URLs. It stays valid when the credential at that position is deleted.
type Cursor string

// NewCursor returns the cursor of the page that begins after c.
func NewCursor(c *Credential) Cursor {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.CreatedAt.UnixMicro()))
	return Cursor(base64.RawURLEncoding.EncodeToString(append(b, c.ID...)))
}

// Position returns CreatedAt and ID of the last credential before the page. Every
// credential of the page has an earlier CreatedAt, or the same one and a smaller
// ID. Position returns zero values for "", and an error if cur is not a cursor.
func (cur Cursor) Position() (created time.Time, id string, err error) {
	if cur == "" {
		return time.Time{}, "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(cur))
	if err != nil || len(b) < 8 {
		return time.Time{}, "", errors.New("store: Query.After: not a cursor; pass one that List returned")
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), string(b[8:]), nil
}

// A Filter selects credentials to revoke. Zero fields do not restrict; fields
// that are set must all match. ID or Subject must be set, so that a forgotten field
// never means every account.
type Filter struct {
	Kind     Kind
	ID       string
	Subject  string
	Family   string   // a rotation chain: credentials with this Family or this ID
	ClientID string   // only credentials that this client exchanged
	Except   []string // IDs to leave out; at most 100
}

// Validate returns an error that describes what is wrong with f, or nil. Stores
// call it at the start of Revoke.
func (f Filter) Validate() error {
	switch {
	case f.ID == "" && f.Subject == "":
		return errors.New("store: Filter: ID or Subject must be set")
	case len(f.Except) > 100:
		return fmt.Errorf("store: Filter.Except: %d IDs: at most 100 are allowed", len(f.Except))
	}
	return nil
}

// Match reports whether f selects c, live or not.
func (f Filter) Match(c *Credential) bool {
	return (f.Kind == "" || f.Kind == c.Kind) &&
		(f.ID == "" || f.ID == c.ID) &&
		(f.Subject == "" || f.Subject == c.Subject) &&
		(f.Family == "" || f.Family == c.Family || f.Family == c.ID) &&
		(f.ClientID == "" || f.ClientID == c.ClientID) &&
		!slices.Contains(f.Except, c.ID)
}

// Limits bound how many credentials one subject may hold. They count credentials
// with the same Subject, Kind and ClientID. So credentials that one client
// exchanged do not count toward the limits of another client, or of credentials
// that were not exchanged.
type Limits struct {
	// Active, if positive, is how many credentials may be current: active and
	// not rotated. A rotated credential that is still valid does not count.
	Active int

	// With EndOldest, Insert revokes the oldest current credentials, by CreatedAt
	// and then ID, instead of returning ErrLimit.
	EndOldest bool

	// Recent, if positive, is how many credentials may have been created at
	// Since or later, whether or not they have ended. It bounds how many rows one
	// account can add. Pruned credentials do not count, so do not prune
	// credentials that were created after Since.
	Recent int
	Since  time.Time
}

// Changes are the new values for [Store.Update]. A nil pointer leaves its field
// unchanged. Removing all Networks allows every address, so it needs a pointer to
// an empty slice.
type Changes struct {
	Name     *string
	Scopes   *[]string
	Networks *[]netip.Prefix
	Data     *[]byte
}

// A Use records when a credential was used and, if known, from which address.
type Use struct {
	ID   string
	At   time.Time
	Addr netip.Addr
}

// PruneBefore selects the credentials that [Store.Prune] deletes. A zero time
// selects none.
//
// The reuse of a rotated credential is detected for as long as its row is kept; 30
// days are usual. Other rows are kept so that owners can see them and
// [Limits.Recent] can count them; a day is enough for that.
type PruneBefore struct {
	Ended   time.Time // credentials that ended before this time and were not rotated
	Rotated time.Time // rotated credentials that ended before this time
}

// Match reports whether c is to be deleted.
func (b PruneBefore) Match(c *Credential) bool {
	before := b.Ended
	if !c.RotatedAt.IsZero() {
		before = b.Rotated
	}
	ended := func(t time.Time) bool { return !t.IsZero() && t.Before(before) }
	return ended(c.ExpiresAt) || ended(c.RevokedAt)
}

// A ScanFilter selects credentials of all accounts. Zero fields do not restrict;
// fields that are set must all match.
type ScanFilter struct {
	Kind Kind

	// Active selects credentials that are neither expired nor revoked now.
	Active bool

	// ExpiringBefore selects credentials that expire before this time.
	ExpiringBefore time.Time

	// UnusedSince selects credentials that were created before this time and
	// have not been used since.
	UnusedSince time.Time
}

// Match reports whether f selects c at now.
func (f ScanFilter) Match(c *Credential, now time.Time) bool {
	return (f.Kind == "" || f.Kind == c.Kind) &&
		(!f.Active || c.Active(now)) &&
		(f.ExpiringBefore.IsZero() || !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(f.ExpiringBefore)) &&
		(f.UnusedSince.IsZero() || c.CreatedAt.Before(f.UnusedSince) && c.LastUsedAt.Before(f.UnusedSince))
}
