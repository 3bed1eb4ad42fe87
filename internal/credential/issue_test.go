package credential_test

import (
	"errors"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// What is issued is what was asked for, is stored as it was returned, and
// works.
func TestIssue(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		before := time.Now().UTC().Truncate(time.Microsecond)
		plaintext, c := f.issue(t, credential.Request{
			Subject: "grace", Name: "ci ☂", Scopes: []string{"reports:read"}, Lifetime: time.Hour,
			Networks: networks("192.0.2.0/24"), Data: []byte{0, 1},
		})
		if c.CreatedAt.Before(before) || c.CreatedAt.After(time.Now()) || c.CreatedAt.Location() != time.UTC {
			t.Errorf("made at %v", c.CreatedAt)
		}
		if !regexp.MustCompile(`^[0-9A-Za-z]{20}$`).MatchString(c.ID) {
			t.Errorf("ID %q", c.ID)
		}
		want := &store.Credential{
			ID: c.ID, Kind: p.kind, Digest: c.Digest, Subject: "grace", Name: "ci ☂", Hint: p.prefix + "…" + plaintext[len(plaintext)-4:],
			Scopes: []string{"reports:read"}, Family: c.ID,
			Networks: networks("192.0.2.0/24"), CreatedAt: c.CreatedAt, ExpiresAt: c.CreatedAt.Add(time.Hour), Data: []byte{0, 1},
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("returned %+v, want %+v", c, want)
		}
		if row := f.row(t, c.ID); !reflect.DeepEqual(row, want) {
			t.Errorf("stored %+v, want %+v", row, want)
		}
		f.want(t, plaintext, http.StatusOK)
		want2 := []auth.Event{{Type: auth.Issued, Subject: "grace", Credential: c.ID}}
		if got := f.events.take(auth.Issued, auth.Rotated, auth.Revoked); !reflect.DeepEqual(got, want2) {
			t.Errorf("events %+v, want %+v", got, want2)
		}
	})
}

// T5: from 60 s to 365 days, exactly as asked for; anything else is an error,
// and nothing is stored.
func TestLifetime(t *testing.T) {
	const day = 24 * time.Hour
	both(t, func(t *testing.T, p pkg) {
		for asked, want := range map[time.Duration]time.Duration{
			0: p.lifetime, 60 * time.Second: 60 * time.Second, 61 * time.Second: 61 * time.Second,
			day: day, 90 * day: 90 * day, 365 * day: 365 * day, 90*time.Second + 1500*time.Microsecond: 90*time.Second + 1500*time.Microsecond,
		} {
			f := p.setup(t, credential.Config{})
			plaintext, c := f.issue(t, credential.Request{Lifetime: asked})
			if row := f.row(t, c.ID); row.ExpiresAt.Sub(row.CreatedAt) != want || c.ExpiresAt.Sub(c.CreatedAt) != want {
				t.Errorf("%v: stored for %v, returned for %v, want %v", asked, row.ExpiresAt.Sub(row.CreatedAt), c.ExpiresAt.Sub(c.CreatedAt), want)
			}
			id, err := f.Verify(t.Context(), plaintext, addr(""))
			if err != nil || id.ExpiresAt.Sub(id.IssuedAt) != want {
				t.Errorf("%v: verified for %v, %v, want %v", asked, id, err, want)
			}
		}
		for _, asked := range []time.Duration{
			-1, 1, 59 * time.Second, time.Minute - 1, 365*day + 1, 365*day + time.Second, 366 * day,
			-time.Hour, math.MaxInt64, math.MinInt64,
		} {
			f := p.setup(t, credential.Config{})
			plain, c, err := f.issuer(t.Context(), credential.Request{Subject: "ada", Lifetime: asked})
			if !errors.Is(err, credential.ErrRequest) || c != nil || plain.Reveal() != "" {
				t.Errorf("%v: %q, %v, %v, want a bad request", asked, plain.Reveal(), c, err)
			}
			if rows := f.rows(t, "ada"); len(rows) > 0 || len(f.events.take()) > 0 {
				t.Errorf("%v: stored %v", asked, rows)
			}
		}
	})
}

// Nil scopes are all that the account may do; an empty slice is nothing at all,
// as is that of a credential for certain scopes when others are asked for.
func TestScopes(t *testing.T) {
	tests := []struct {
		name          string
		asked, stored []string
		may, mayNot   []string
	}{
		{"nil", nil, []string{auth.AllScopes}, []string{"reports:read", "x"}, nil},
		{"empty", []string{}, []string{}, nil, []string{"reports:read"}},
		{"some", []string{"reports:read", "b"}, []string{"reports:read", "b"}, []string{"reports:read", "b"}, []string{"reports:write", auth.AllScopes}},
		{"all", []string{auth.AllScopes}, []string{auth.AllScopes}, []string{"reports:read", auth.AllScopes}, nil},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, c := f.issue(t, credential.Request{Scopes: tt.asked})
				if got := f.row(t, c.ID).Scopes; !slices.Equal(got, tt.stored) {
					t.Errorf("stored %q, want %q", got, tt.stored)
				}
				for _, s := range tt.may {
					if _, err := f.guard.Authenticate(request(p.scheme, plaintext), s); err != nil {
						t.Errorf("%s: %v", s, err)
					}
				}
				for _, s := range tt.mayNot {
					if _, err := f.guard.Authenticate(request(p.scheme, plaintext), s); !errors.Is(err, auth.ErrInsufficientScope) {
						t.Errorf("%s: %v, want insufficient scope", s, err)
					}
				}
				f.want(t, plaintext, http.StatusOK)
			})
		}
	})
}

// The request is the caller's to change afterwards, and so is what Issue
// returned; the row is neither.
func TestIssueCopies(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		req := credential.Request{Subject: "ada", Scopes: []string{"a"}, Networks: networks("192.0.2.0/24"), Data: []byte("data")}
		_, c := f.issue(t, req)
		want := f.row(t, c.ID).Clone()

		req.Scopes[0], req.Networks[0], req.Data[0] = "z", networks("0.0.0.0/0")[0], 'z'
		if !reflect.DeepEqual(c, want) {
			t.Errorf("returned %+v after the request changed, want %+v", c, want)
		}
		c.Scopes[0], c.Networks[0], c.Data[0] = "y", networks("::/0")[0], 'y'
		if got := f.row(t, c.ID); !reflect.DeepEqual(got, want) {
			t.Errorf("stored %+v, want %+v", got, want)
		}
	})
}

// A credential lives from the moment of its issue, also where that is not a
// whole microsecond, and never a moment longer than asked for. T5 T6
func TestIssueBetweenMicroseconds(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			time.Sleep(999 * time.Nanosecond)
			plaintext, c := f.issue(t, credential.Request{Lifetime: time.Minute})
			if age := time.Since(c.CreatedAt); age != 999*time.Nanosecond {
				t.Errorf("made %v ago, want 999ns", age)
			}
			f.want(t, plaintext, http.StatusOK)
			time.Sleep(time.Minute - time.Microsecond)
			f.want(t, plaintext, http.StatusOK)
			time.Sleep(time.Nanosecond)
			f.want(t, plaintext, http.StatusUnauthorized)
		})
	})
}
