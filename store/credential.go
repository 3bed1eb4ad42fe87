package store

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
)

// A Kind distinguishes the credentials of different schemes. Kinds are never
// interchangeable: [Finder.Find] does not return a credential of another kind.
type Kind string

// The kinds that this module's schemes use.
const (
	KindToken   Kind = "token"   // personal access tokens, package bearer
	KindSecret  Kind = "secret"  // client secrets, package secret
	KindSession Kind = "session" // authentication cookies, package cookie
)

// A Digest is the SHA-256 of a plaintext, or its HMAC-SHA-256 under a pepper. It is
// stored in place of the plaintext. Plaintexts are long and random, so they cannot
// be recovered from their digests, and the bits of a digest are uniformly
// distributed.
//
// A store keeps the bytes d[:]. Printed, logged or encoded as text or JSON, a
// Digest is "[digest]".
type Digest [32]byte

const redactedDigest = "[digest]"

// Format implements [fmt.Formatter]. Every verb prints "[digest]", except %T and
// %p, which fmt handles itself.
func (d Digest) Format(s fmt.State, _ rune) { io.WriteString(s, redactedDigest) }

// MarshalText implements [encoding.TextMarshaler]. It returns "[digest]", so
// neither JSON nor structured logs show the bytes. The text cannot be decoded: a
// store keeps the bytes d[:].
func (d Digest) MarshalText() ([]byte, error) { return []byte(redactedDigest), nil }

// A Credential is one row: a token, a secret or a session. The plaintext is not
// part of it.
//
// A *Credential that a [Store] returned is shared and must not be modified. To
// change one, use [Credential.Clone].
//
// Times are in UTC and in whole microseconds; the zero time means never. You may
// show the JSON form to the owner: it contains neither Digest nor Data.
type Credential struct {
	ID           string         `json:"id"` // public: safe in logs, URLs and pages
	Kind         Kind           `json:"kind"`
	Digest       Digest         `json:"-"`                   // of the plaintext; Find looks it up
	Subject      string         `json:"subject"`             // the account it belongs to
	Name         string         `json:"name,omitempty"`      // chosen by its owner
	Hint         string         `json:"hint,omitempty"`      // helps its owner recognize the plaintext: "pat_…KQDc"
	Scopes       []string       `json:"scopes"`              // empty: grants nothing
	Family       string         `json:"family"`              // ID of the first credential of its rotation chain
	ClientID     string         `json:"client_id,omitempty"` // Family of the client secret that was exchanged for it
	Actor        string         `json:"actor,omitempty"`     // acts in place of the account, such as an employee; empty: none
	Networks     []netip.Prefix `json:"networks,omitempty"`  // client addresses it may be used from; empty: any
	CreatedAt    time.Time      `json:"created_at"`
	ExpiresAt    time.Time      `json:"expires_at,omitzero"` // first moment at which it is no longer valid
	RotatedAt    time.Time      `json:"rotated_at,omitzero"` // when its successor was created
	RevokedAt    time.Time      `json:"revoked_at,omitzero"`
	LastUsedAt   time.Time      `json:"last_used_at,omitzero"`   // exact to the scheme's interval, a minute by default
	LastUsedAddr netip.Addr     `json:"last_used_addr,omitzero"` // the client address of that use
	Data         []byte         `json:"-"`                       // belongs to the scheme or your application; opaque to stores
}

// Active reports whether c is neither revoked nor expired at now. At ExpiresAt
// itself a credential is already expired.
func (c *Credential) Active(now time.Time) bool {
	return c.RevokedAt.IsZero() && (c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt))
}

// Live reports whether Revoke at the given time changes c: c is not revoked, and
// expired less than [Skew] before or not at all.
func (c *Credential) Live(at time.Time) bool { return c.Active(at.Add(-Skew)) }

// Current reports whether c counts toward [Limits.Active]: c is active at now and
// was not rotated.
func (c *Credential) Current(now time.Time) bool { return c.RotatedAt.IsZero() && c.Active(now) }

// Clone returns a copy of c that shares no memory with it.
func (c *Credential) Clone() *Credential {
	n := *c
	n.Scopes = slices.Clip(slices.Clone(c.Scopes)) // clipped, so that append copies a shared slice
	n.Networks = slices.Clip(slices.Clone(c.Networks))
	n.Data = slices.Clone(c.Data)
	return &n
}

// normal returns a copy of c in the form that every store keeps: it shares no
// memory with the caller, and its times are in UTC and in whole microseconds.
func (c *Credential) normal() *Credential {
	n := c.Clone()
	for _, t := range []*time.Time{&n.CreatedAt, &n.ExpiresAt, &n.RotatedAt, &n.RevokedAt, &n.LastUsedAt} {
		*t = micro(*t)
	}
	return n
}

// micro returns t in the form that stores keep: in UTC, rounded down to whole
// microseconds.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
