package credential_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
)

// networks parses networks that are separated by spaces.
func networks(s string) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range strings.Fields(s) {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

// addr parses an address; "" is the zero Addr.
func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

// B7: a credential is good in its networks, and where it cannot be told
// whether a request comes from there, it is not.
func TestNetworks(t *testing.T) {
	const in, out = http.StatusOK, http.StatusUnauthorized
	tests := []struct {
		name      string
		networks  string
		remote    string
		proxies   string
		forwarded []string
		status    int
	}{
		{"anywhere", "", "192.0.2.7:1", "", nil, in},
		{"anywhere, address unknown", "", "@", "", nil, in},
		{"IPv4", "192.0.2.0/24", "192.0.2.7:1", "", nil, in},
		{"IPv4, elsewhere", "192.0.2.0/24", "192.0.3.7:1", "", nil, out},
		{"one address", "192.0.2.7/32", "192.0.2.7:1", "", nil, in},
		{"one address, the next", "192.0.2.7/32", "192.0.2.8:1", "", nil, out},
		{"IPv6", "2001:db8::/32", "[2001:db8::7]:1", "", nil, in},
		{"IPv6, elsewhere", "2001:db8::/32", "[2001:db9::7]:1", "", nil, out},
		{"the second of two", "192.0.2.0/24 2001:db8::/32", "[2001:db8::7]:1", "", nil, in},
		{"none of two", "192.0.2.0/24 2001:db8::/32", "198.51.100.7:1", "", nil, out},
		{"IPv4 in IPv6 in an IPv4 network", "192.0.2.0/24", "[::ffff:192.0.2.7]:1", "", nil, in},
		{"IPv4 in a network of IPv4 in IPv6", "::ffff:192.0.2.0/120", "192.0.2.7:1", "", nil, in},
		{"IPv4 in IPv6 in such a network", "::ffff:192.0.2.0/120", "[::ffff:192.0.2.7]:1", "", nil, in},
		{"IPv4, not in such a network", "::ffff:192.0.2.0/120", "192.0.3.7:1", "", nil, out},
		{"IPv4 is not in all of IPv6", "::/0", "192.0.2.7:1", "", nil, out},
		{"IPv4 in IPv6 is not in all of IPv6", "::/0", "[::ffff:192.0.2.7]:1", "", nil, out},
		{"zone", "fe80::/10", "[fe80::7%eth0]:1", "", nil, in},
		{"zone, elsewhere", "2001:db8::/32", "[fe80::7%eth0]:1", "", nil, out},
		{"address unknown", "0.0.0.0/0 ::/0", "@", "", nil, out},
		{"no address", "0.0.0.0/0 ::/0", "", "", nil, out},

		{"header that nobody trusts", "203.0.113.0/24", "192.0.2.7:1", "", []string{"203.0.113.7"}, out},
		{"header from an untrusted peer", "203.0.113.0/24", "192.0.2.7:1", "10.0.0.0/8", []string{"203.0.113.7"}, out},
		{"header of a proxy", "203.0.113.0/24", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7"}, in},
		{"header of a proxy, elsewhere", "203.0.113.0/24", "10.0.0.1:1", "10.0.0.0/8", []string{"192.0.2.7"}, out},
		{"header sent through a proxy", "203.0.113.0/24", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, 192.0.2.7"}, out},
		{"two proxies, two lines", "203.0.113.0/24", "10.0.0.1:1", "10.0.0.0/8", []string{"192.0.2.7, 203.0.113.7", "10.0.0.2"}, in},
		{"garbage", "0.0.0.0/0 ::/0", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, unknown"}, out},
		{"the proxy itself", "10.0.0.0/8", "10.0.0.1:1", "10.0.0.0/8", nil, in},
		{"through a proxy, from nowhere", "203.0.113.0/24", "10.0.0.1:1", "10.0.0.0/8", nil, out},
		{"a proxy given as IPv4 in IPv6", "203.0.113.0/24", "10.0.0.1:1", "::ffff:10.0.0.0/104", []string{"203.0.113.7"}, in},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := p.setup(t, credential.Config{TrustedProxies: networks(tt.proxies)})
				plaintext, _ := f.issue(t, credential.Request{Networks: networks(tt.networks)})
				r := request(p.scheme, plaintext)
				r.RemoteAddr = tt.remote
				r.Header["X-Forwarded-For"] = tt.forwarded
				if got := status(f.guard, r); got != tt.status {
					t.Errorf("status %d, want %d", got, tt.status)
				}
			})
		}
	})
}

// B7: the address of Verify is the caller's word, proxies or not.
func TestVerifyNetworks(t *testing.T) {
	tests := []struct {
		name, networks, addr string
		valid                bool
	}{
		{"anywhere", "", "", true},
		{"within", "192.0.2.0/24", "192.0.2.7", true},
		{"elsewhere", "192.0.2.0/24", "192.0.3.7", false},
		{"IPv4 in IPv6", "192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"network of IPv4 in IPv6", "::ffff:192.0.2.0/120", "192.0.2.7", true},
		{"zone", "fe80::/10", "fe80::7%eth0", true},
		{"zero address", "0.0.0.0/0 ::/0", "", false},
	}
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{TrustedProxies: networks("192.0.3.0/24")})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				plaintext, _ := f.issue(t, credential.Request{Subject: tt.name, Networks: networks(tt.networks)})
				id, err := f.Verify(t.Context(), plaintext, addr(tt.addr))
				if (err == nil) != tt.valid || (id != nil) != tt.valid || !tt.valid && !errors.Is(err, auth.ErrInvalidCredentials) {
					t.Errorf("Verify = %v, %v, want valid: %t", id, err, tt.valid)
				}
			})
		}
	})
}

// The networks are the caller's to change afterwards, not the credential's.
func TestNetworksAreCopied(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		allowed, proxies := networks("203.0.113.0/24"), networks("10.0.0.0/8")
		f := p.setup(t, credential.Config{TrustedProxies: proxies})
		plaintext, _ := f.issue(t, credential.Request{Networks: allowed})
		allowed[0], proxies[0] = netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("192.0.2.0/24")
		r := request(p.scheme, plaintext)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		if got := status(f.guard, r); got != http.StatusOK {
			t.Errorf("status %d, want 200", got)
		}
	})
}
