package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// P10: a token is no secret and a secret no token, though they are in one store
// and even where a host has given both the same prefix.
func TestKinds(t *testing.T) {
	for name, prefix := range map[string]string{"default prefixes": "", "one prefix": "key"} {
		t.Run(name, func(t *testing.T) {
			st := newFaulty()
			var plaintexts []string
			var fixtures []*fixture
			for _, p := range packages {
				f := p.setup(t, credential.Config{Store: st, Prefix: prefix})
				plaintext, _ := f.issue(t, credential.Request{})
				fixtures, plaintexts = append(fixtures, f), append(plaintexts, plaintext)
			}
			guard := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{fixtures[0].manager, fixtures[1].manager}})
			for i, f := range fixtures {
				f.want(t, plaintexts[i], http.StatusOK)
				f.want(t, plaintexts[1-i], http.StatusUnauthorized)
				if got := status(guard, request(f.scheme, plaintexts[i])); got != http.StatusOK {
					t.Errorf("a %s, before both: status %d, want 200", f.kind, got)
				}
				if got := status(guard, request(f.scheme, plaintexts[1-i])); got != http.StatusUnauthorized {
					t.Errorf("another kind as %s, before both: status %d, want 401", f.kind, got)
				}
			}
		})
	}
}

// P10: a row of another kind is none, even with the right digest.
func TestKindOfRow(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for _, kind := range []store.Kind{store.KindToken, store.KindSecret, store.KindSession, "", "Token", "SECRET"} {
			f := p.setup(t, credential.Config{})
			plaintext, _ := f.insert(t, func(c *store.Credential) { c.Kind = kind })
			want := http.StatusUnauthorized
			if kind == p.kind {
				want = http.StatusOK
			}
			if got := f.status(plaintext); got != want {
				t.Errorf("a row of kind %q: status %d, want %d", kind, got, want)
			}
		}
	})
}

// A store that answers with another row than it was asked for is broken, and
// nothing can be concluded from what it says: neither 200 nor 401.
func TestStoreReturnsAnotherRow(t *testing.T) {
	tests := []struct {
		name   string
		answer func(c *store.Credential) *store.Credential
		status int
	}{
		{"the row", func(c *store.Credential) *store.Credential { return c }, http.StatusOK},
		{"nil", func(*store.Credential) *store.Credential { return nil }, http.StatusServiceUnavailable},
		{"empty", func(*store.Credential) *store.Credential { return new(store.Credential) }, http.StatusServiceUnavailable},
		{"first byte of the digest", func(c *store.Credential) *store.Credential { c.Digest[0] ^= 1; return c }, http.StatusServiceUnavailable},
		{"last byte of the digest", func(c *store.Credential) *store.Credential { c.Digest[31] ^= 1; return c }, http.StatusServiceUnavailable},
		{"another kind", func(c *store.Credential) *store.Credential { c.Kind = store.KindSession; return c }, http.StatusServiceUnavailable},
		{"no kind", func(c *store.Credential) *store.Credential { c.Kind = ""; return c }, http.StatusServiceUnavailable},
		{"no subject", func(c *store.Credential) *store.Credential { c.Subject = ""; return c }, http.StatusServiceUnavailable},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, c := f.issue(t, credential.Request{})
				f.store.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) {
					return tt.answer(f.row(t, c.ID).Clone()), nil
				}
				f.want(t, plaintext, tt.status)
				if _, err := f.Verify(t.Context(), plaintext, addr("")); (err == nil) != (tt.status == http.StatusOK) || errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrNoCredentials) {
					t.Errorf("Verify: %v", err)
				}
				if err := f.RevokeLeaked(t.Context(), plaintext); (err == nil) != (tt.status == http.StatusOK) || errors.Is(err, store.ErrNotFound) {
					t.Errorf("RevokeLeaked: %v", err)
				}
			})
		}
	})
}

// Only ErrNotFound means that there is no such credential, wrapped or not. B4
func TestStoreAnswers(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
	}{
		{"not found", store.ErrNotFound, http.StatusUnauthorized},
		{"not found, wrapped", fmt.Errorf("table tokens: %w", store.ErrNotFound), http.StatusUnauthorized},
		{"down", errDown, http.StatusServiceUnavailable},
		{"deadline", context.DeadlineExceeded, http.StatusServiceUnavailable},
		{"cancelled", context.Canceled, http.StatusServiceUnavailable},
		{"unsupported", errors.ErrUnsupported, http.StatusServiceUnavailable},
		{"another answer", store.ErrConflict, http.StatusServiceUnavailable},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{})
				plaintext, _ := f.issue(t, credential.Request{})
				f.store.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) { return nil, tt.err }
				f.want(t, plaintext, tt.status)
				if got := f.events.take(auth.Refused); len(got) != 1 || tt.status == http.StatusServiceUnavailable && !errors.Is(got[0].Err, tt.err) {
					t.Errorf("events %+v, want the cause", got)
				}
				f.store.find = nil
				f.want(t, plaintext, http.StatusOK) // neither answer is kept
			})
		}
	})
}

// A store that asks another service may return what that says of a request of
// its own. Of ours it says nothing: it is an outage, not a 401, and no reason to
// ask the next authenticator. C6, B4
func TestStoreAnswersAboutARequest(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for _, err := range []error{
			auth.ErrNoCredentials, auth.ErrMalformed, auth.ErrInvalidCredentials,
			auth.ErrInsufficientScope, auth.ErrCrossOrigin, auth.ErrThrottled, auth.ErrUnavailable,
		} {
			f := p.setup(t, credential.Config{})
			plaintext, _ := f.issue(t, credential.Request{})
			f.store.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) {
				return nil, fmt.Errorf("vault: %w", err)
			}
			f.want(t, plaintext, http.StatusServiceUnavailable)
			got := f.events.take(auth.Refused)
			if len(got) != 1 || !strings.Contains(got[0].Err.Error(), "vault: "+err.Error()) {
				t.Errorf("events %+v, want the cause", got)
			}
		}
	})
}
