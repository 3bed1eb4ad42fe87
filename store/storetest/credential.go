package storetest

import (
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/keystile/keystile/store"
)

// overlap is how long rotated credentials stay valid in the checks.
const overlap = 10 * time.Minute

// credential returns a token of a new account, created an hour ago and valid for a
// day.
func credential() *store.Credential {
	created := time.Now().UTC().Truncate(time.Microsecond).Add(-time.Hour)
	c := &store.Credential{
		ID:        rand.Text(),
		Kind:      store.KindToken,
		Subject:   "account-" + rand.Text(),
		Name:      "ci",
		Scopes:    []string{"*"},
		CreatedAt: created,
		ExpiresAt: created.Add(24 * time.Hour),
	}
	c.Family = c.ID
	rand.Read(c.Digest[:])
	return c
}

// credentials returns n tokens of one account, the oldest first. Each was created a
// second after the previous one.
func credentials(n int) []*store.Credential {
	cs := make([]*store.Credential, n)
	for i := range cs {
		cs[i] = credential()
		cs[i].Subject = cs[0].Subject
		cs[i].CreatedAt = cs[0].CreatedAt.Add(time.Duration(i) * time.Second)
	}
	return cs
}

// expired returns a token that expired half an hour ago.
func expired() *store.Credential {
	c := credential()
	c.ExpiresAt = c.CreatedAt.Add(30 * time.Minute)
	return c
}

// full returns a secret with a value in every field. The values are hard to store.
func full() *store.Credential {
	c := credential()
	c.Kind = store.KindSecret
	c.Name = "Zoë's \"CI\" \\ 日本語 🔑 %s\n"
	c.Scopes = []string{"reports:write", "a b", "a,b", `"`, "", "*", "reports:read"}
	c.Family = rand.Text()
	c.ClientID = rand.Text()
	c.Networks = []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("198.51.100.7/32"),
		netip.MustParsePrefix("10.1.2.3/8"),
		netip.MustParsePrefix("0.0.0.0/0"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("::ffff:192.0.2.0/120"),
	}
	c.RotatedAt = c.CreatedAt.Add(2 * time.Second)
	c.RevokedAt = c.CreatedAt.Add(3 * time.Second)
	c.LastUsedAt = c.CreatedAt.Add(time.Second)
	c.LastUsedAddr = netip.MustParseAddr("2001:db8::7")
	c.Hint = "pat_…KQDc"
	c.Actor = "support@example.com"
	c.Data = []byte("\x00\x01\xfe\xff\x00 {}\r\n\x00")
	return c
}

// successor returns a credential that may replace c, created a minute after c.
func successor(c *store.Credential) *store.Credential {
	next := credential()
	next.Kind = c.Kind
	next.Subject = c.Subject
	next.Family = c.Family
	next.ClientID = c.ClientID
	next.CreatedAt = c.CreatedAt.Add(time.Minute)
	next.ExpiresAt = next.CreatedAt.Add(24 * time.Hour)
	return next
}

// rotated returns c as it is after next has replaced it.
func rotated(c, next *store.Credential, until time.Time) *store.Credential {
	c = c.Clone()
	c.RotatedAt = next.CreatedAt
	c.ExpiresAt = until
	return c
}

// revoked returns c as it is after its revocation.
func revoked(c *store.Credential, at time.Time) *store.Credential {
	c = c.Clone()
	c.RevokedAt = at
	return c
}

// touched returns c as it is after a use.
func touched(c *store.Credential, at time.Time) *store.Credential {
	c = c.Clone()
	c.LastUsedAt, c.LastUsedAddr = at, usedFrom
	return c
}

func ids(cs []*store.Credential) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.ID
	}
	return out
}
