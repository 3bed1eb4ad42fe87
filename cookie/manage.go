package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
)

// A Session is what an account may know of one of its sessions.
type Session struct {
	ID         string     // as in auth.Identity.Credential: which one is this browser's
	CreatedAt  time.Time  // when it was signed in
	LastUsedAt time.Time  // exact to a minute; zero: not yet
	ExpiresAt  time.Time  // the latest end; it ends earlier if it is not used
	Addr       netip.Addr // of Request, as is UserAgent
	UserAgent  string
}

// List returns the newest 1000 sessions of an account that are neither revoked
// nor expired, newest first. One that has been idle for too long is among them:
// when exactly it was used last, its cookie knows alone. The error wraps
// [ErrRequest] if subject is empty, and without a store [errors.ErrUnsupported].
func (s *Sessions) List(ctx context.Context, subject string) ([]Session, error) {
	stored, err := s.stored("list")
	if err != nil {
		return nil, err
	}
	rows, err := stored.List(ctx, subject, "", true)
	if err != nil {
		return nil, err
	}
	var list []Session
	for _, c := range rows {
		d := decodeDevice(c.Data)
		list = append(list, Session{c.ID, c.CreatedAt, c.LastUsedAt, c.ExpiresAt, d.addr, d.userAgent})
	}
	return list, nil
}

// Revoke ends a session at once, for every request that begins after it has
// returned. Revoking again is no error. The error wraps [store.ErrNotFound] if
// the account has no such session, and [errors.ErrUnsupported] without a store.
func (s *Sessions) Revoke(ctx context.Context, subject, id string) error {
	stored, err := s.stored("revoke")
	if err != nil {
		return err
	}
	return stored.Revoke(ctx, subject, id)
}

// RevokeAll ends all sessions of an account, but for the one with the ID except
// if that is not "", and returns how many were not revoked or expired before. The
// error wraps [ErrRequest] if subject is empty. Without a store it wraps
// [errors.ErrUnsupported]: set the account's NotBefore instead.
func (s *Sessions) RevokeAll(ctx context.Context, subject, except string) (int, error) {
	stored, err := s.stored("revoke all")
	if err != nil {
		return 0, err
	}
	return stored.RevokeAll(ctx, subject, except)
}

// stored returns what manages the sessions that are rows.
func (s *Sessions) stored(verb string) (*credential.Manager, error) {
	if err := s.made(); err != nil {
		return nil, err
	}
	if s.rows == nil {
		return nil, fmt.Errorf("cookie: %s: Config.Store is not set: %w", verb, errors.ErrUnsupported)
	}
	return s.rows, nil
}

// observeRow passes on what happens to rows, in the words of this package.
func (s *Sessions) observeRow(ctx context.Context, ev auth.Event) {
	if ev.Type == auth.Issued {
		ev.Type = auth.SignedIn
	}
	if s.observe != nil {
		s.observe(ctx, ev)
	}
}
