package credential_test

import (
	"errors"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// R6: revoking again is no error and changes nothing.
func TestRevoke(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			plaintext, c := f.issue(t, credential.Request{})
			other, _ := f.issue(t, credential.Request{})
			for range 3 {
				if err := f.Revoke(t.Context(), "ada", c.ID); err != nil {
					t.Fatal(err)
				}
				f.want(t, plaintext, http.StatusUnauthorized)
				time.Sleep(time.Hour)
			}
			if at := f.row(t, c.ID).RevokedAt; at.Sub(c.CreatedAt) != 0 {
				t.Errorf("revoked at %v, want the first time, %v", at, c.CreatedAt)
			}
			want := []auth.Event{{Type: auth.Revoked, Subject: "ada", Credential: c.ID}}
			if got := f.events.take(auth.Revoked); !reflect.DeepEqual(got, want) {
				t.Errorf("events %+v, want %+v", got, want)
			}
			f.want(t, other, http.StatusOK)
		})
	})
}

// R1: what starts after Revoke has returned is refused, however many requests
// are under way.
func TestRevokeRace(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{LastUsedInterval: -1})
		plaintext, c := f.issue(t, credential.Request{})
		var revoking, revoked atomic.Bool
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for after := 0; after < 100; {
					begun := revoked.Load()
					switch got := f.status(plaintext); {
					case got == http.StatusOK && !begun:
						accepted.Add(1)
					case got != http.StatusUnauthorized || !revoking.Load():
						t.Errorf("status %d, begun after Revoke returned: %t", got, begun)
						return
					}
					if begun {
						after++
					}
				}
			})
		}
		for accepted.Load() < 1000 && !t.Failed() {
			runtime.Gosched()
		}
		revoking.Store(true)
		if err := f.Revoke(t.Context(), "ada", c.ID); err != nil {
			t.Error(err)
		}
		revoked.Store(true)
		wg.Wait()
	})
}

// R6: to any but its own account, and to another package, a credential is not
// there; and nothing happens to it.
func TestRevokeNotFound(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		mine, c := f.issue(t, credential.Request{})
		_, session := f.insert(t, func(c *store.Credential) { c.Kind = store.KindSession })
		f.events.take()
		for _, tt := range []struct{ name, subject, id string }{
			{"another account's", "mallory", c.ID},
			{"nobody's", "", c.ID},
			{"no ID", "ada", ""},
			{"neither", "", ""},
			{"unknown", "ada", "unknown"},
			{"another kind", "ada", session.ID},
			{"subject and ID exchanged", c.ID, "ada"},
			{"plaintext for ID", "ada", mine},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if err := f.Revoke(t.Context(), tt.subject, tt.id); !errors.Is(err, store.ErrNotFound) || !strings.HasPrefix(err.Error(), p.name+": revoke") {
					t.Errorf("Revoke: %v, want not found", err)
				}
			})
		}
		for _, row := range f.rows(t, "ada") {
			if !row.RevokedAt.IsZero() {
				t.Errorf("revoked: %+v", row)
			}
		}
		if got := f.events.take(); len(got) > 0 {
			t.Errorf("events %+v", got)
		}
		f.want(t, mine, http.StatusOK)
	})
}

// RevokeAll revokes those of an account, expired ones too, and no others.
func TestRevokeAll(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		var mine []string
		for range 3 {
			plaintext, _ := f.issue(t, credential.Request{})
			mine = append(mine, plaintext)
		}
		f.insert(t, func(c *store.Credential) { c.ExpiresAt = time.Now() })
		f.insert(t, func(c *store.Credential) { c.RevokedAt = time.Now() })
		_, session := f.insert(t, func(c *store.Credential) { c.Kind = store.KindSession })
		other, _ := f.issue(t, credential.Request{Subject: "adam"})
		f.events.take()

		for _, want := range []int{4, 0} {
			if n, err := f.RevokeAll(t.Context(), "ada"); n != want || err != nil {
				t.Errorf("RevokeAll = %d, %v, want %d", n, err, want)
			}
		}
		want := []auth.Event{{Type: auth.Revoked, Subject: "ada"}}
		if got := f.events.take(); !reflect.DeepEqual(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
		for _, plaintext := range mine {
			f.want(t, plaintext, http.StatusUnauthorized)
		}
		f.want(t, other, http.StatusOK)
		if !f.row(t, session.ID).RevokedAt.IsZero() {
			t.Error("one of another kind is revoked, too")
		}
		if n, err := f.RevokeAll(t.Context(), ""); n != 0 || err == nil {
			t.Errorf("RevokeAll of nobody = %d, %v, want an error", n, err)
		}
		f.want(t, other, http.StatusOK)
	})
}

// RevokeFamily ends a rotation chain, whoever rotated it last, and no other. R6
func TestRevokeFamily(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		mine, c := f.issue(t, credential.Request{})
		stolen, _, err := f.Rotate(t.Context(), "ada", c.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := f.issue(t, credential.Request{})
		_, session := f.insert(t, func(row *store.Credential) { row.Kind, row.Family = store.KindSession, c.ID })
		hosts, row := f.insert(t, func(c *store.Credential) { c.Family = "" }) // a row that the host made
		rotated, _, err := f.Rotate(t.Context(), "ada", row.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		f.events.take()

		for _, nobody := range [][2]string{{"mallory", c.Family}, {"ada", "unknown"}, {"ada", stolen.Reveal()}} {
			if n, err := f.RevokeFamily(t.Context(), nobody[0], nobody[1]); n != 0 || err != nil {
				t.Errorf("RevokeFamily%q = %d, %v, want 0", nobody, n, err)
			}
		}
		for _, unset := range [][2]string{{"", c.Family}, {"ada", ""}, {"", ""}} {
			if n, err := f.RevokeFamily(t.Context(), unset[0], unset[1]); n != 0 || !errors.Is(err, credential.ErrRequest) {
				t.Errorf("RevokeFamily%q = %d, %v, want a bad request", unset, n, err)
			}
		}
		for _, plaintext := range []string{mine, stolen.Reveal(), other, hosts, rotated.Reveal()} {
			f.want(t, plaintext, http.StatusOK)
		}
		if got := f.events.take(auth.Revoked); len(got) > 0 {
			t.Errorf("events %+v", got)
		}

		for _, want := range []int{2, 0} {
			for _, family := range []string{c.ID, row.ID} {
				if n, err := f.RevokeFamily(t.Context(), "ada", family); n != want || err != nil {
					t.Errorf("RevokeFamily = %d, %v, want %d", n, err, want)
				}
			}
		}
		want := []auth.Event{{Type: auth.Revoked, Subject: "ada", Credential: c.ID}, {Type: auth.Revoked, Subject: "ada", Credential: row.ID}}
		if got := f.events.take(auth.Revoked); !reflect.DeepEqual(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
		for _, plaintext := range []string{mine, stolen.Reveal(), hosts, rotated.Reveal()} {
			f.want(t, plaintext, http.StatusUnauthorized)
		}
		f.want(t, other, http.StatusOK)
		if !f.row(t, session.ID).RevokedAt.IsZero() {
			t.Error("one of another kind is revoked, too")
		}
	})
}

// RevokeLeaked needs no account, and no valid credential, but one of ours.
func TestRevokeLeaked(t *testing.T) {
	tests := []struct {
		name string
		edit func(c *store.Credential)
		want error
	}{
		{"valid", func(c *store.Credential) {}, nil},
		{"expired", func(c *store.Credential) { c.ExpiresAt = time.Now() }, nil},
		{"rotated", func(c *store.Credential) { c.RotatedAt = time.Now() }, nil},
		{"used from elsewhere", func(c *store.Credential) { c.Networks = networks("192.0.2.0/24") }, nil},
		{"revoked", func(c *store.Credential) { c.RevokedAt = time.Now() }, nil},
		{"another kind", func(c *store.Credential) { c.Kind = store.KindSession }, store.ErrNotFound},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, c := f.insert(t, tt.edit)
				other, _ := f.issue(t, credential.Request{})
				for range 2 {
					if err := f.RevokeLeaked(t.Context(), plaintext); !errors.Is(err, tt.want) {
						t.Errorf("RevokeLeaked: %v, want %v", err, tt.want)
					}
				}
				if revoked := !f.row(t, c.ID).RevokedAt.IsZero(); revoked != (tt.want == nil) {
					t.Errorf("revoked: %t", revoked)
				}
				f.want(t, plaintext, http.StatusUnauthorized)
				f.want(t, other, http.StatusOK)
				if got := f.events.take(auth.Reused); len(got) > 0 {
					t.Errorf("events %+v: a report is no use", got)
				}
			})
		}
		f := p.setup(t, credential.Config{})
		for name, plaintext := range map[string]string{
			"unknown": f.unknown(t), "malformed": p.prefix + "x", "another form": "hunter2", "empty": "",
		} {
			if err := f.RevokeLeaked(t.Context(), plaintext); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v, want not found", name, err)
			}
		}
	})
}
