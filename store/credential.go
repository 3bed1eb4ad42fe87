package store

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
)

// A Kind says what a credential is presented as. Kinds are never
// interchangeable: [Finder.Find] does not return a credential of another kind.
type Kind string

// The kinds that this module's schemes use.
const (
	KindToken   Kind = "token"   // personal access tokens, package bearer
	KindSecret  Kind = "secret"  // client secrets, package secret
	KindSession Kind = "session" // authentication cookies, package cookie
)

// A Digest stands for a plaintext that is never stored: its SHA-256, or its
// HMAC-SHA-256 under a pepper. Plaintexts are random and long, so a digest can
// neither be turned back nor guessed, and its bits are uniformly distributed.
//
// A store keeps the bytes d[:]. Printed, logged or encoded as text or JSON, a
// Digest is "[digest]".
type Digest [32]byte

const redactedDigest = "[digest]"

// Format implements [fmt.Formatter]. Every verb that fmt leaves to it prints
// "[digest]".
func (d Digest) Format(s fmt.State, _ rune) { io.WriteString(s, redactedDigest) }

// MarshalText implements [encoding.TextMarshaler]. It answers "[digest]", so
// neither JSON nor structured logs show the bytes. There is no way back: a
// store that wants to keep a Digest keeps d[:].
func (d Digest) MarshalText() ([]byte, error) { return []byte(redactedDigest), nil }

// A Credential is one row: a token, a secret or a session. The plaintext is not
// part of it.
//
// A *Credential that a [Store] returned is shared and must not be modified;
// [Credential.Clone] makes a copy that may be.
//
// Times are UTC and whole microseconds; the zero time means never. The JSON
// form is fit to be shown to the owner: it has neither Digest nor Data.
type Credential struct {
	ID           string         `json:"id"` // public: safe in logs, URLs and pages
	Kind         Kind           `json:"kind"`
	Digest       Digest         `json:"-"`                   // of the plaintext: what Find looks up
	Subject      string         `json:"subject"`             // the account it belongs to
	Name         string         `json:"name,omitempty"`      // what its owner calls it
	Hint         string         `json:"hint,omitempty"`      // by which its owner recognizes the plaintext: "pat_…KQDc"
	Scopes       []string       `json:"scopes"`              // empty: grants nothing
	Family       string         `json:"family"`              // ID of the first credential of its rotation chain
	ClientID     string         `json:"client_id,omitempty"` // Family of the client secret that was exchanged for it
	Actor        string         `json:"actor,omitempty"`     // who acts in the account's place; empty: nobody
	Networks     []netip.Prefix `json:"networks,omitempty"`  // client addresses it may be used from; empty: any
	CreatedAt    time.Time      `json:"created_at"`
	ExpiresAt    time.Time      `json:"expires_at,omitzero"` // first moment at which it is no longer valid
	RotatedAt    time.Time      `json:"rotated_at,omitzero"` // when it got its successor
	RevokedAt    time.Time      `json:"revoked_at,omitzero"`
	LastUsedAt   time.Time      `json:"last_used_at,omitzero"`   // exact to the scheme's interval, a minute by default
	LastUsedAddr netip.Addr     `json:"last_used_addr,omitzero"` // from where it was used then
	Data         []byte         `json:"-"`                       // of the scheme or your application; opaque to stores
}

// Active reports whether c is neither revoked nor expired at now. A credential
// is valid before its ExpiresAt, and no longer at it.
func (c *Credential) Active(now time.Time) bool {
	return c.RevokedAt.IsZero() && (c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt))
}

// Live reports whether Revoke at the given time changes c: whether it is not
// revoked, and has not been expired for more than [Skew].
func (c *Credential) Live(at time.Time) bool { return c.Active(at.Add(-Skew)) }

// Current reports whether c counts toward [Limits.Active]: whether it is active
// at now and was not rotated.
func (c *Credential) Current(now time.Time) bool { return c.RotatedAt.IsZero() && c.Active(now) }

// Clone returns a copy of c that shares no memory with it.
func (c *Credential) Clone() *Credential {
	n := *c
	n.Scopes = slices.Clip(slices.Clone(c.Scopes)) // no room to append into what others see
	n.Networks = slices.Clip(slices.Clone(c.Networks))
	n.Data = slices.Clone(c.Data)
	return &n
}

// normal returns a copy of c as every store keeps it: no memory shared with the
// caller, times in UTC and whole microseconds.
func (c *Credential) normal() *Credential {
	n := c.Clone()
	for _, t := range []*time.Time{&n.CreatedAt, &n.ExpiresAt, &n.RotatedAt, &n.RevokedAt, &n.LastUsedAt} {
		*t = micro(*t)
	}
	return n
}

// micro returns t as stores keep it: UTC, without the part of a microsecond.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
