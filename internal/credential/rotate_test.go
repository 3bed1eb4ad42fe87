package credential_test

import (
	"errors"
	"math"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// rotate rotates a credential of ada.
func (f *fixture) rotate(t testing.TB, id string, overlap time.Duration) (string, *store.Credential) {
	t.Helper()
	plain, c, err := f.Rotate(t.Context(), "ada", id, overlap)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

// R4: the old one is valid through the overlap and no longer, nor longer than
// it would have been; the new one is from the first moment.
func TestRotateOverlap(t *testing.T) {
	tests := []struct {
		name    string
		overlap time.Duration
		left    time.Duration // of the old one, which has an hour
	}{
		{"none", 0, 0},
		{"a microsecond", time.Microsecond, time.Microsecond},
		{"a minute", time.Minute, time.Minute},
		{"a moment less than it has", time.Hour - time.Microsecond, time.Hour - time.Microsecond},
		{"what it has", time.Hour, time.Hour},
		{"a moment more than it has", time.Hour + time.Microsecond, time.Hour},
		{"more than it has", 48 * time.Hour, time.Hour},
		{"for ever", math.MaxInt64, time.Hour},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := p.setup(t, credential.Config{})
					before, old := f.issue(t, credential.Request{Lifetime: 2 * time.Hour})
					time.Sleep(time.Hour)
					after, _ := f.rotate(t, old.ID, tt.overlap)
					end := time.Now().Add(tt.left)
					if row := f.row(t, old.ID); !row.ExpiresAt.Equal(end) {
						t.Errorf("the old one ends at %v, want %v", row.ExpiresAt, end)
					}
					f.want(t, after, http.StatusOK)
					if tt.left > 0 {
						f.want(t, before, http.StatusOK)
						time.Sleep(time.Until(end) - time.Microsecond)
						f.want(t, before, http.StatusOK)
						time.Sleep(time.Microsecond)
					}
					f.want(t, before, http.StatusUnauthorized)
					f.want(t, after, http.StatusOK)
				})
			})
		}
	})
}

// The successor is what the old one was, and lives as long from now.
func TestRotateSuccessor(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			_, first := f.issue(t, credential.Request{
				Name: "ci", Scopes: []string{"reports:read"}, Lifetime: 7 * 24 * time.Hour, Networks: networks("0.0.0.0/0"), Data: []byte("data"),
			})
			before, prev := "", first
			for range 3 { // one after another, each for a week
				time.Sleep(6 * 24 * time.Hour)
				f.events.take()
				plaintext, next := f.rotate(t, prev.ID, time.Hour)
				now := time.Now().UTC()
				want := &store.Credential{
					ID: next.ID, Kind: p.kind, Digest: next.Digest, Subject: "ada", Name: "ci", Scopes: []string{"reports:read"},
					Hint: p.prefix + "…" + plaintext[len(plaintext)-4:], Family: first.ID, Networks: networks("0.0.0.0/0"), CreatedAt: now, ExpiresAt: now.Add(7 * 24 * time.Hour), Data: []byte("data"),
				}
				if !reflect.DeepEqual(next, want) || !reflect.DeepEqual(f.row(t, next.ID), want) {
					t.Errorf("returned %+v, stored %+v, want %+v", next, f.row(t, next.ID), want)
				}
				if next.ID == prev.ID || next.Digest == prev.Digest || plaintext == before {
					t.Error("the successor is the old one")
				}
				if row := f.row(t, prev.ID); !row.RotatedAt.Equal(now) || !row.RevokedAt.IsZero() {
					t.Errorf("the old one: %+v, want it rotated and not revoked", row)
				}
				wantEvents := []auth.Event{
					{Type: auth.Rotated, Subject: "ada", Credential: prev.ID},
					{Type: auth.Issued, Subject: "ada", Credential: next.ID},
				}
				if got := f.events.take(); !reflect.DeepEqual(got, wantEvents) {
					t.Errorf("events %+v, want %+v", got, wantEvents)
				}
				f.want(t, plaintext, http.StatusOK)
				before, prev = plaintext, next
			}
		})
	})
}

// What only a row that the host made, or one that was exchanged, has.
func TestRotateOtherRows(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		_, old := f.insert(t, func(c *store.Credential) { c.ClientID, c.Family, c.ExpiresAt = "parent", "", time.Time{} })
		_, next := f.rotate(t, old.ID, time.Minute)
		if next.ClientID != "parent" || next.Family != old.ID || !next.ExpiresAt.IsZero() {
			t.Errorf("parent %q, family %q, expires %v, want the old one's parent and ID, and never", next.ClientID, next.Family, next.ExpiresAt)
		}
		if end := f.row(t, old.ID).ExpiresAt; !end.Equal(next.CreatedAt.Add(time.Minute)) {
			t.Errorf("the old one ends at %v, want a minute after %v", end, next.CreatedAt)
		}
	})
}

// What Rotate returned is the caller's to change, and neither row is.
func TestRotateCopies(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		_, old := f.issue(t, credential.Request{Scopes: []string{"a"}, Networks: networks("192.0.2.0/24"), Data: []byte("data")})
		_, next := f.rotate(t, old.ID, time.Hour)
		want, wantOld := f.row(t, next.ID).Clone(), f.row(t, old.ID).Clone()
		next.Scopes[0], next.Networks[0], next.Data[0] = "z", networks("0.0.0.0/0")[0], 'z'
		if got, gotOld := f.row(t, next.ID), f.row(t, old.ID); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotOld, wantOld) {
			t.Errorf("stored %+v and %+v, want %+v and %+v", got, gotOld, want, wantOld)
		}
	})
}

// What cannot be rotated is not, and everything stays as it was. R6
func TestRotateRefusals(t *testing.T) {
	tests := []struct {
		name    string
		edit    func(c *store.Credential)
		subject string
		overlap time.Duration
		want    error
	}{
		{"negative overlap", func(c *store.Credential) {}, "ada", -1, credential.ErrRequest},
		{"most negative overlap", func(c *store.Credential) {}, "ada", math.MinInt64, credential.ErrRequest},
		{"another account's", func(c *store.Credential) {}, "mallory", 0, store.ErrNotFound},
		{"nobody's", func(c *store.Credential) {}, "", 0, store.ErrNotFound},
		{"another kind", func(c *store.Credential) { c.Kind = store.KindSession }, "ada", 0, store.ErrNotFound},
		{"revoked", func(c *store.Credential) { c.RevokedAt = time.Now() }, "ada", 0, store.ErrConflict},
		{"expired", func(c *store.Credential) { c.ExpiresAt = time.Now() }, "ada", 0, store.ErrConflict},
		{"rotated, in its overlap", func(c *store.Credential) { c.RotatedAt = time.Now() }, "ada", 0, store.ErrConflict},
		{"rotated, after its overlap", func(c *store.Credential) { c.RotatedAt, c.ExpiresAt = time.Now(), time.Now() }, "ada", 0, store.ErrConflict},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				_, c := f.insert(t, tt.edit)
				before := f.row(t, c.ID)
				plain, next, err := f.Rotate(t.Context(), tt.subject, c.ID, tt.overlap)
				if !errors.Is(err, tt.want) || next != nil || plain.Reveal() != "" {
					t.Errorf("Rotate = %q, %v, %v, want %v", plain.Reveal(), next, err, tt.want)
				}
				if rows := f.rows(t, "ada"); len(rows) != 1 || !reflect.DeepEqual(rows[0], before) || len(f.events.take()) > 0 {
					t.Errorf("stored %+v, want %+v alone", rows, before)
				}
			})
		}
		f := p.setup(t, credential.Config{})
		for _, id := range []string{"", "unknown"} {
			if _, _, err := f.Rotate(t.Context(), "ada", id, 0); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("ID %q: %v, want not found", id, err)
			}
		}
	})
}

// R3: of many who rotate one credential at once, one succeeds.
func TestRotateRace(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		_, old := f.issue(t, credential.Request{})
		start := make(chan struct{})
		var wg sync.WaitGroup
		won := make(chan string, 64)
		for range cap(won) {
			wg.Go(func() {
				<-start
				plain, _, err := f.Rotate(t.Context(), "ada", old.ID, time.Hour)
				if err == nil {
					won <- plain.Reveal()
				} else if !errors.Is(err, store.ErrConflict) {
					t.Errorf("Rotate: %v", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 || len(f.rows(t, "ada")) != 2 {
			t.Fatalf("%d succeeded, %d rows, want one successor", len(won), len(f.rows(t, "ada")))
		}
		f.want(t, <-won, http.StatusOK)
	})
}
