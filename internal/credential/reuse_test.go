package credential_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// reused returns what the event Reused says of a credential, of which there
// must be one.
func (f *fixture) reused(t testing.TB, c *store.Credential) error {
	t.Helper()
	told := f.events.take(auth.Reused)
	if len(told) != 1 || told[0].Subject != c.Subject || told[0].Credential != c.ID {
		t.Fatalf("events %+v, want one, of %s", told, c.ID)
	}
	return told[0].Err
}

// R5: who presents a rotated credential after its overlap is refused, and the
// host is told each time. Nothing happens to the others unless it wants that.
func TestReuse(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			before, old := f.issue(t, credential.Request{})
			after, _ := f.rotate(t, old.ID, time.Minute)
			f.want(t, before, http.StatusOK)
			if got := f.events.take(auth.Reused); len(got) > 0 {
				t.Errorf("in the overlap: events %+v", got)
			}
			time.Sleep(time.Minute)
			for range 3 {
				f.want(t, before, http.StatusUnauthorized)
				if err := f.reused(t, old); err != nil {
					t.Error(err)
				}
				f.want(t, after, http.StatusOK)
			}
			if _, err := f.Verify(t.Context(), before, addr("")); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Errorf("Verify: %v", err)
			}
			f.reused(t, old)
		})
	})
}

// R5: with RevokeReused the whole chain ends, and nothing else does.
func TestReuseRevokesFamily(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{RevokeReused: true})
			first, a := f.issue(t, credential.Request{})
			second, b := f.rotate(t, a.ID, 0)
			third, c := f.rotate(t, b.ID, time.Hour)
			other, _ := f.issue(t, credential.Request{})
			_, session := f.insert(t, func(c *store.Credential) { c.Kind, c.Family = store.KindSession, a.ID })
			foreign, _ := f.insert(t, func(c *store.Credential) { c.Subject, c.Family = "mallory", a.ID })
			f.want(t, second, http.StatusOK)
			f.want(t, third, http.StatusOK)
			f.events.take()

			f.want(t, first, http.StatusUnauthorized)
			if err := f.reused(t, a); err != nil {
				t.Error(err)
			}
			for _, c := range []*store.Credential{a, b, c} {
				if !f.row(t, c.ID).RevokedAt.Equal(time.Now()) {
					t.Errorf("%+v is not revoked", f.row(t, c.ID))
				}
			}
			for _, plaintext := range []string{first, second, third} {
				f.want(t, plaintext, http.StatusUnauthorized)
			}
			f.want(t, other, http.StatusOK)
			f.want(t, foreign, http.StatusOK)
			if !f.row(t, session.ID).RevokedAt.IsZero() {
				t.Error("one of another kind is revoked, too")
			}
			if got := f.events.take(auth.Reused); len(got) > 0 {
				t.Errorf("events %+v of what is revoked", got)
			}
		})
	})
}

// R5: what merely expired or was revoked was not reused.
func TestReuseOfOthers(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{RevokeReused: true})
		_, mate := f.issue(t, credential.Request{})
		for name, edit := range map[string]func(c *store.Credential){
			"expired": func(c *store.Credential) { c.ExpiresAt = time.Now() },
			"revoked": func(c *store.Credential) { c.RevokedAt = time.Now() },
			"rotated, revoked since": func(c *store.Credential) {
				c.RotatedAt, c.RevokedAt, c.ExpiresAt = time.Now(), time.Now(), time.Now()
			},
		} {
			plaintext, _ := f.insert(t, func(c *store.Credential) { c.Family = mate.ID; edit(c) })
			f.want(t, plaintext, http.StatusUnauthorized)
			if got := f.events.take(auth.Reused); len(got) > 0 || !f.row(t, mate.ID).RevokedAt.IsZero() {
				t.Errorf("%s: events %+v, family: %+v", name, got, f.row(t, mate.ID))
			}
		}
	})
}

// R5: a row that the host made, without a family, is the first of one.
func TestReuseWithoutFamily(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{RevokeReused: true})
		before, old := f.insert(t, func(c *store.Credential) { c.Family = "" })
		after, _ := f.rotate(t, old.ID, 0)
		other, _ := f.issue(t, credential.Request{})
		f.want(t, after, http.StatusOK)
		f.want(t, before, http.StatusUnauthorized)
		f.want(t, after, http.StatusUnauthorized)
		f.want(t, other, http.StatusOK)
	})
}

// R5: a thief cannot keep the family alive by hanging up.
func TestReuseByCancelledRequest(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{RevokeReused: true})
		before, old := f.issue(t, credential.Request{})
		after, _ := f.rotate(t, old.ID, 0)
		ctx, cancel := context.WithCancel(t.Context())
		f.store.find = func(_ context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
			cancel() // at the last moment
			return f.store.Memory.Find(t.Context(), k, d)
		}
		if got := status(f.guard, request(p.scheme, before).WithContext(ctx)); got != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", got)
		}
		if err := f.reused(t, old); err != nil {
			t.Error(err)
		}
		f.want(t, after, http.StatusUnauthorized)
	})
}

// R5: where the family cannot be revoked, the host is told; the answer stays
// the same, and comes within a few seconds.
func TestReuseWhileStoreFails(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		tests := []struct {
			name   string
			revoke func(ctx context.Context) error
			want   error
		}{
			{"down", func(context.Context) error { return errDown }, errDown},
			{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := p.setup(t, credential.Config{RevokeReused: true})
					before, old := f.issue(t, credential.Request{})
					after, _ := f.rotate(t, old.ID, 0)
					f.store.revoke = func(ctx context.Context, _ store.Filter, _ time.Time) ([]store.Digest, error) {
						return nil, tt.revoke(ctx)
					}
					start := time.Now()
					f.want(t, before, http.StatusUnauthorized)
					if took := time.Since(start); took > 5*time.Second {
						t.Errorf("it took %v", took)
					}
					if err := f.reused(t, old); !errors.Is(err, tt.want) {
						t.Errorf("event's error %v, want %v", err, tt.want)
					}
					f.want(t, after, http.StatusOK)
				})
			})
		}
	})
}
