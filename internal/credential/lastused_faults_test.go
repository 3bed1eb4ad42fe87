package credential_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// R8: no request waits for the store, and what is used while it is slow is
// written after that.
func TestLastUsedOfSlowStore(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			release := make(chan struct{})
			f.store.touch = func(ctx context.Context, uses []store.Use) error {
				<-release
				return f.store.Memory.Touch(ctx, uses)
			}
			a, rowA := f.issue(t, credential.Request{})
			b, rowB := f.issue(t, credential.Request{})
			f.want(t, a, http.StatusOK)
			time.Sleep(5 * time.Second) // Touch has begun
			start := time.Now()
			f.want(t, a, http.StatusOK)
			f.want(t, b, http.StatusOK)
			if took := time.Since(start); took != 0 {
				t.Errorf("requests took %v", took)
			}
			close(release)
			time.Sleep(2 * time.Second)
			if !f.row(t, rowA.ID).LastUsedAt.Equal(start.Add(-5*time.Second)) || !f.row(t, rowB.ID).LastUsedAt.Equal(start) {
				t.Errorf("last used %v and %v", f.row(t, rowA.ID).LastUsedAt, f.row(t, rowB.ID).LastUsedAt)
			}
			if got := f.store.touches.Load(); got != 2 {
				t.Errorf("%d writes, want 2", got)
			}
		})
	})
}

// R8: whatever the store does, requests are answered as ever, and a use is
// written again when it can be. B2
func TestLastUsedFails(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		tests := []struct {
			name   string
			touch  func(ctx context.Context) error
			writes int32 // of two uses, and of one more an interval later
		}{
			{"down", func(context.Context) error { return errDown }, 2},
			{"read-only", func(context.Context) error { return errors.New("attempt to write a readonly database") }, 2},
			{"panics", func(context.Context) error { panic("no connection") }, 2},
			{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 2},
			{"cannot write", func(context.Context) error { return errors.ErrUnsupported }, 1},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := p.setup(t, credential.Config{})
					f.store.touch = func(ctx context.Context, _ []store.Use) error { return tt.touch(ctx) }
					a, _ := f.issue(t, credential.Request{})
					b, c := f.issue(t, credential.Request{})
					f.want(t, a, http.StatusOK)
					f.want(t, b, http.StatusOK)
					time.Sleep(time.Minute)
					f.want(t, a, http.StatusOK)
					time.Sleep(time.Minute)
					synctest.Wait()
					if got := f.store.touches.Load(); got != tt.writes {
						t.Errorf("%d writes, want %d", got, tt.writes)
					}
					f.store.touch = nil
					f.want(t, b, http.StatusOK)
					time.Sleep(time.Minute)
					if written := !f.row(t, c.ID).LastUsedAt.IsZero(); written != (tt.name != "cannot write") {
						t.Errorf("written after that: %t", written)
					}
				})
			})
		}
	})
}

// A service that only verifies does so, and nothing else.
func TestFindOnly(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			plaintext, c := f.issue(t, credential.Request{})
			only := p.setup(t, credential.Config{Store: store.FindOnly(f.store.Memory)})
			for range 3 {
				only.want(t, plaintext, http.StatusOK)
				time.Sleep(time.Minute)
			}
			only.want(t, p.unknown(t), http.StatusUnauthorized)
			if err := only.Revoke(t.Context(), "ada", c.ID); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Revoke: %v, want unsupported", err)
			}
			if !f.row(t, c.ID).LastUsedAt.IsZero() {
				t.Error("last used is written")
			}
		})
	})
}

// R8: a use that is written late brings back nothing that was revoked or pruned
// meanwhile.
func TestLastUsedAfterRevoke(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			plaintext, c := f.issue(t, credential.Request{})
			pruned, gone := f.issue(t, credential.Request{Subject: "adam"})
			f.store.touch = func(ctx context.Context, uses []store.Use) error {
				if err := f.Revoke(ctx, "ada", c.ID); err != nil { // as late as can be
					t.Error(err)
				}
				return f.store.Memory.Touch(ctx, uses)
			}
			f.want(t, plaintext, http.StatusOK)
			f.want(t, pruned, http.StatusOK)
			if err := f.Revoke(t.Context(), "adam", gone.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := f.store.Prune(t.Context(), store.PruneBefore{Ended: time.Now().Add(time.Microsecond), Rotated: time.Now().Add(time.Microsecond)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			row := f.row(t, c.ID)
			if row.RevokedAt.IsZero() || row.LastUsedAt.IsZero() {
				t.Errorf("%+v, want it revoked and used", row)
			}
			if rows := f.rows(t, "adam"); len(rows) > 0 {
				t.Errorf("%+v is back", rows)
			}
			f.want(t, plaintext, http.StatusUnauthorized)
			f.want(t, pruned, http.StatusUnauthorized)
		})
	})
}
