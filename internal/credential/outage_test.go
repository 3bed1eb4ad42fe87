package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// A down is a store that does not answer.
type down struct{ store.Store }

func (down) Find(context.Context, store.Kind, store.Digest) (*store.Credential, error) {
	return nil, errDown
}
func (down) Get(context.Context, string) (*store.Credential, error) { return nil, errDown }
func (down) Insert(context.Context, *store.Credential, store.Limits) ([]store.Digest, error) {
	return nil, errDown
}
func (down) List(context.Context, store.Query) ([]*store.Credential, store.Cursor, error) {
	return nil, "", errDown
}
func (down) Rotate(context.Context, string, time.Time, *store.Credential, store.Limits) error {
	return errDown
}
func (down) Revoke(context.Context, store.Filter, time.Time) ([]store.Digest, error) {
	return nil, errDown
}

// B4: what fails for want of the store says so, wrapped, and is none of the
// answers that have a name; no event tells of what has not happened.
func TestManagementOutage(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{Store: down{}})
		ctx := t.Context()
		for verb, call := range map[string]func() error{
			"issue":         func() error { _, _, err := f.issuer(ctx, credential.Request{Subject: "ada"}); return err },
			"rotate":        func() error { _, _, err := f.Rotate(ctx, "ada", "id", 0); return err },
			"revoke":        func() error { return f.Revoke(ctx, "ada", "id") },
			"revoke all":    func() error { _, err := f.RevokeAll(ctx, "ada"); return err },
			"revoke family": func() error { _, err := f.RevokeFamily(ctx, "ada", "id"); return err },
			"revoke leaked": func() error { return f.RevokeLeaked(ctx, f.unknown(t)) },
			"list":          func() error { _, err := f.List(ctx, "ada"); return err },
			"find":          func() error { _, err := f.Verify(ctx, f.unknown(t), addr("")); return err },
		} {
			err := call()
			if !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), p.name+": "+verb+": ") {
				t.Errorf("%s: %v, want the store's error", verb, err)
			}
			for _, other := range []error{
				credential.ErrRequest, store.ErrNotFound, store.ErrLimit, store.ErrConflict, store.ErrExists,
				auth.ErrNoCredentials, auth.ErrInvalidCredentials,
			} {
				if errors.Is(err, other) {
					t.Errorf("%s: %v, which is %v", verb, err, other)
				}
			}
		}
		if got := f.events.take(); len(got) > 0 {
			t.Errorf("events %+v", got)
		}
	})
}

// A context that has ended is an outage, and whose it is can be told.
func TestManagementCancelled(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		_, c := f.issue(t, credential.Request{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, issue := f.issuer(ctx, credential.Request{Subject: "ada"})
		_, _, rotate := f.Rotate(ctx, "ada", c.ID, 0)
		_, revokeAll := f.RevokeAll(ctx, "ada")
		_, list := f.List(ctx, "ada")
		for _, err := range []error{issue, rotate, f.Revoke(ctx, "ada", c.ID), revokeAll, list, f.RevokeLeaked(ctx, f.unknown(t))} {
			if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%v, want context.Canceled", err)
			}
		}
		if rows := f.rows(t, "ada"); len(rows) != 1 || !rows[0].RevokedAt.IsZero() {
			t.Errorf("rows %+v", rows)
		}
	})
}
