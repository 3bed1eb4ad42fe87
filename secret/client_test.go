package secret_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A client is who it says it is if its secret is of that family: before and
// after it is rotated.
func TestAuthenticateClient(t *testing.T) {
	st := store.NewMemory()
	secrets := newSecrets(t, secret.Config{Store: st})
	plaintext, c := issue(t, secrets, secret.Request{Subject: "ada", Scopes: []string{"a"}})
	other, o := issue(t, secrets, secret.Request{Subject: "ada"})
	revoked, r := issue(t, secrets, secret.Request{Subject: "ada"})
	if err := secrets.Revoke(t.Context(), "ada", r.ID); err != nil {
		t.Fatal(err)
	}
	bound, b := issue(t, secrets, secret.Request{Subject: "ada", Networks: networks("192.0.2.0/24")})
	plain, next, err := secrets.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := issue(t, newSecrets(t, secret.Config{}), secret.Request{Subject: "ada"})

	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("203.0.113.7")
	tests := []struct {
		name, client, plaintext string
		addr                    netip.Addr
		credential              string // "": refused
		want                    error
	}{
		{"its own", c.Family, plaintext, outside, c.ID, nil},
		{"rotated", c.Family, plain.Reveal(), outside, next.ID, nil},
		{"rotated, by its ID", next.ID, plain.Reveal(), outside, "", auth.ErrInvalidCredentials},
		{"another client's", o.Family, plaintext, outside, "", auth.ErrInvalidCredentials},
		{"another client's secret", c.Family, other, outside, "", auth.ErrInvalidCredentials},
		{"no client", "", plaintext, outside, "", auth.ErrInvalidCredentials},
		{"the account", "ada", plaintext, outside, "", auth.ErrInvalidCredentials},
		{"unknown client", "unknown", plaintext, outside, "", auth.ErrInvalidCredentials},
		{"unknown secret", c.Family, foreign, outside, "", auth.ErrInvalidCredentials},
		{"revoked", r.Family, revoked, outside, "", auth.ErrInvalidCredentials},
		{"in its network", b.Family, bound, inside, b.ID, nil},
		{"elsewhere", b.Family, bound, outside, "", auth.ErrInvalidCredentials},
		{"from an unknown address", b.Family, bound, netip.Addr{}, "", auth.ErrInvalidCredentials},
		{"typo", c.Family, plaintext[:len(plaintext)-1] + "_", outside, "", auth.ErrInvalidCredentials},
		{"another form", c.Family, "hunter2", outside, "", auth.ErrInvalidCredentials},
		{"empty", "", "", outside, "", auth.ErrInvalidCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := secrets.AuthenticateClient(t.Context(), tt.client, tt.plaintext, tt.addr)
			if !errors.Is(err, tt.want) || (id == nil) != (tt.credential == "") {
				t.Fatalf("AuthenticateClient = %+v, %v, want %v", id, err, tt.want)
			}
			if id != nil && (id.Subject != "ada" || id.Scheme != "Secret" || id.Credential != tt.credential) {
				t.Errorf("AuthenticateClient = %+v, want ada's %s", id, tt.credential)
			}
		})
	}
}

// A row that the host made may have no family. Its client is its ID, and stays
// it; no client at all is none.
func TestAuthenticateClientWithoutFamily(t *testing.T) {
	st := store.NewMemory()
	plaintext, c := issue(t, newSecrets(t, secret.Config{}), secret.Request{Subject: "ada"})
	c.Family = ""
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	secrets := newSecrets(t, secret.Config{Store: st})
	if id, err := secrets.AuthenticateClient(t.Context(), "", plaintext, netip.Addr{}); id != nil || !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("no client: %+v, %v, want it refused", id, err)
	}
	if _, err := secrets.AuthenticateClient(t.Context(), c.ID, plaintext, netip.Addr{}); err != nil {
		t.Error(err)
	}
	plain, _, err := secrets.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.AuthenticateClient(t.Context(), c.ID, plain.Reveal(), netip.Addr{}); err != nil {
		t.Errorf("rotated: %v", err)
	}
}

// An outage is one, whatever client it is. C6
func TestAuthenticateClientOutage(t *testing.T) {
	st := &faulty{Memory: store.NewMemory()}
	secrets := newSecrets(t, secret.Config{Store: st})
	plaintext, c := issue(t, secrets, secret.Request{Subject: "ada"})
	st.err = errDown
	id, err := secrets.AuthenticateClient(t.Context(), c.Family, plaintext, netip.Addr{})
	if id != nil || !errors.Is(err, errDown) || errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrNoCredentials) {
		t.Errorf("AuthenticateClient = %v, %v, want the store's error", id, err)
	}
}

// ClientAddr believes trusted proxies alone. B7
func TestClientAddr(t *testing.T) {
	r := request("")
	r.RemoteAddr = "10.0.0.1:1234"
	r.Header.Set("X-Forwarded-For", "203.0.113.7, 192.0.2.7")
	for proxies, want := range map[string]string{"10.0.0.0/8": "192.0.2.7", "198.51.100.0/24": "10.0.0.1"} {
		secrets := newSecrets(t, secret.Config{TrustedProxies: networks(proxies)})
		if got := secrets.ClientAddr(r); got != netip.MustParseAddr(want) {
			t.Errorf("behind %s: %v, want %s", proxies, got, want)
		}
	}
}
