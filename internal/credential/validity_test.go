package credential_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// T6: valid before its expiry, and no longer at it.
func TestExpiry(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for _, lifetime := range []time.Duration{time.Minute, p.lifetime, 365 * 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, c := f.issue(t, credential.Request{Lifetime: lifetime})
				f.want(t, plaintext, http.StatusOK)
				time.Sleep(time.Until(c.ExpiresAt) - time.Microsecond)
				f.want(t, plaintext, http.StatusOK)
				time.Sleep(time.Microsecond)
				f.want(t, plaintext, http.StatusUnauthorized)
				time.Sleep(1000 * 24 * time.Hour)
				f.want(t, plaintext, http.StatusUnauthorized)
			})
		}
	})
}

// A row without ExpiresAt, which a host may have put there, never expires.
func TestNoExpiry(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			plaintext, c := f.insert(t, func(c *store.Credential) { c.ExpiresAt = time.Time{} })
			time.Sleep(200 * 365 * 24 * time.Hour)
			f.want(t, plaintext, http.StatusOK)
			if err := f.Revoke(t.Context(), c.Subject, c.ID); err != nil {
				t.Fatal(err)
			}
			f.want(t, plaintext, http.StatusUnauthorized)
		})
	})
}

// What may not be used is refused; and Observe is told why, and whose it is.
func TestRefusals(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name   string
		edit   func(c *store.Credential)
		reason string // "": accepted
	}{
		{"valid", func(c *store.Credential) {}, ""},
		{"rotated, in its overlap", func(c *store.Credential) { c.RotatedAt = now }, ""},
		{"expired", func(c *store.Credential) { c.ExpiresAt = now }, "expired"},
		{"expired long ago", func(c *store.Credential) { c.ExpiresAt = time.Unix(1, 0) }, "expired"},
		{"revoked", func(c *store.Credential) { c.RevokedAt = now }, "revoked"},
		{"revoked as of tomorrow", func(c *store.Credential) { c.RevokedAt = now.Add(24 * time.Hour) }, "revoked"},
		{"revoked and without expiry", func(c *store.Credential) { c.RevokedAt, c.ExpiresAt = now, time.Time{} }, "revoked"},
		{"revoked and expired", func(c *store.Credential) { c.RevokedAt, c.ExpiresAt = now, now }, "revoked"},
		{"rotated, after its overlap", func(c *store.Credential) { c.RotatedAt, c.ExpiresAt = now, now }, "rotated"},
		{"rotated and revoked", func(c *store.Credential) { c.RotatedAt, c.RevokedAt = now, now }, "revoked"},
		{"elsewhere", func(c *store.Credential) { c.Networks = networks("203.0.113.0/24") }, "network"},
		{"expired, elsewhere", func(c *store.Credential) { c.ExpiresAt, c.Networks = now, networks("203.0.113.0/24") }, "expired"},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, c := f.insert(t, tt.edit)
				if tt.reason == "" {
					f.want(t, plaintext, http.StatusOK)
					return
				}
				f.want(t, plaintext, http.StatusUnauthorized)
				told := f.events.take(auth.Refused, auth.Authenticated)
				if len(told) != 1 {
					t.Fatalf("%d events: %+v", len(told), told)
				}
				ev := told[0]
				if ev.Type != auth.Refused || ev.Subject != c.Subject || ev.Credential != c.ID || ev.Identity != nil {
					t.Errorf("event %+v, want who was refused", ev)
				}
				if !errors.Is(ev.Err, auth.ErrInvalidCredentials) || !strings.Contains(ev.Err.Error(), tt.reason) {
					t.Errorf("event's error %v, want one that says %s", ev.Err, tt.reason)
				}
			})
		}
	})
}

// What is accepted is who the row says it is.
func TestIdentity(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		plaintext, c := f.issue(t, credential.Request{Subject: "grace", Scopes: []string{"reports:read", "reports:write"}})
		want := auth.Identity{
			Subject: "grace", Scheme: p.scheme, Credential: c.ID, Scopes: []string{"reports:read", "reports:write"},
			IssuedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
		}
		if p.name == "secret" {
			want.Client = c.Family
		}
		r := request(p.scheme, plaintext)
		byGuard, err := f.guard.Authenticate(r)
		equal(t, "Guard.Authenticate", byGuard, err, want)
		direct, err := f.Authenticate(r)
		equal(t, "Authenticate", direct, err, want)
		verified, err := f.Verify(context.Background(), plaintext, addr(""))
		equal(t, "Verify", verified, err, want)
	})
}

// The three outcomes of Verify.
func TestVerify(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		valid, _ := f.issue(t, credential.Request{})
		expired, _ := f.insert(t, func(c *store.Credential) { c.ExpiresAt = time.Now() })
		tests := []struct {
			name, plaintext string
			want            error
		}{
			{"valid", valid, nil},
			{"expired", expired, auth.ErrInvalidCredentials},
			{"unknown", f.unknown(t), auth.ErrInvalidCredentials},
			{"wrong checksum", valid[:len(valid)-1] + "!", auth.ErrInvalidCredentials},
			{"the prefix alone", p.prefix, auth.ErrInvalidCredentials},
			{"another form", "wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3", auth.ErrNoCredentials},
			{"a JWT", "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo", auth.ErrNoCredentials},
			{"empty", "", auth.ErrNoCredentials},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				id, err := f.Verify(t.Context(), tt.plaintext, addr(""))
				if !errors.Is(err, tt.want) || (id == nil) != (err != nil) {
					t.Errorf("Verify = %v, %v, want %v", id, err, tt.want)
				}
			})
		}
	})
}
