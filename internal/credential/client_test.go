package credential

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(networks ...string) []netip.Prefix {
	var p []netip.Prefix
	for _, n := range networks {
		p = append(p, netip.MustParsePrefix(n))
	}
	return p
}

// B7: the address of the connection.
func TestPeerAddr(t *testing.T) {
	tests := []struct{ remote, want string }{
		{"192.0.2.1:1234", "192.0.2.1"},
		{"[2001:db8::1]:1234", "2001:db8::1"},
		{"[::ffff:192.0.2.1]:1234", "192.0.2.1"},
		{"[fe80::1%eth0]:1234", "fe80::1"},
		{"[::ffff:192.0.2.1%eth0]:1234", "192.0.2.1"},
		{"192.0.2.1", "192.0.2.1"},
		{"", "invalid IP"},
		{"@", "invalid IP"}, // a Unix socket
		{"/run/api.sock", "invalid IP"},
		{"localhost:1234", "invalid IP"},
		{"192.0.2.1:x", "invalid IP"},
		{"192.0.2.256:1", "invalid IP"},
		{"192.0.2.01:1", "invalid IP"},
	}
	for _, tt := range tests {
		if got := PeerAddr(&http.Request{RemoteAddr: tt.remote}); got.String() != tt.want {
			t.Errorf("PeerAddr of %q: %v, want %s", tt.remote, got, tt.want)
		}
	}
}

// B7: X-Forwarded-For counts as far as trusted proxies vouch for it, from the
// right to the left.
func TestClientAddr(t *testing.T) {
	tests := []struct {
		name    string
		remote  string
		trusted string
		lines   []string
		want    string
	}{
		{"no proxies", "192.0.2.1:1", "", []string{"203.0.113.7"}, "192.0.2.1"},
		{"peer is no proxy", "192.0.2.1:1", "10.0.0.0/8", []string{"203.0.113.7"}, "192.0.2.1"},
		{"peer is unknown", "@", "10.0.0.0/8", []string{"203.0.113.7"}, "invalid IP"},
		{"one proxy", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7"}, "203.0.113.7"},
		{"what the client sent itself", "10.0.0.1:1", "10.0.0.0/8", []string{"198.51.100.9, 203.0.113.7"}, "203.0.113.7"},
		{"in a line of its own", "10.0.0.1:1", "10.0.0.0/8", []string{"198.51.100.9", "203.0.113.7"}, "203.0.113.7"},
		{"two proxies", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"two proxies, two lines", "10.0.0.1:1", "10.0.0.0/8", []string{"198.51.100.9, 203.0.113.7", "10.0.0.2"}, "203.0.113.7"},
		{"proxies of two networks", "10.0.0.1:1", "10.0.0.0/8 2001:db8::/32", []string{"203.0.113.7,2001:db8::2,10.0.0.3"}, "203.0.113.7"},
		{"a proxy beyond an untrusted one", "10.0.0.1:1", "10.0.0.0/8", []string{"10.0.0.9, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"proxies all the way", "10.0.0.1:1", "10.0.0.0/8", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header", "10.0.0.1:1", "10.0.0.0/8", nil, "10.0.0.1"},
		{"an empty line", "10.0.0.1:1", "10.0.0.0/8", []string{""}, "invalid IP"},
		{"an empty entry", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7,,10.0.0.2"}, "invalid IP"},
		{"garbage at the end", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, unknown"}, "invalid IP"},
		{"garbage behind a proxy", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, _hidden, 10.0.0.2"}, "invalid IP"},
		{"garbage that nobody vouches for", "10.0.0.1:1", "10.0.0.0/8", []string{"unknown, 203.0.113.7"}, "203.0.113.7"},
		{"a name", "10.0.0.1:1", "10.0.0.0/8", []string{"example.com"}, "invalid IP"},
		{"with a port", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7:4711"}, "203.0.113.7"},
		{"IPv6", "10.0.0.1:1", "10.0.0.0/8", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with a port", "10.0.0.1:1", "10.0.0.0/8", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"a proxy with a port", "10.0.0.1:1", "10.0.0.0/8", []string{"203.0.113.7, 10.0.0.2:80"}, "203.0.113.7"},
		{"IPv4 in IPv6", "10.0.0.1:1", "10.0.0.0/8", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"a proxy that is IPv4 in IPv6", "[::ffff:10.0.0.1]:1", "10.0.0.0/8", []string{"203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7"},
		{"a proxy with a zone", "[fe80::1%eth0]:1", "fe80::/10", []string{"203.0.113.7"}, "203.0.113.7"},
		{"whitespace", "10.0.0.1:1", "10.0.0.0/8", []string{" 203.0.113.7 \t,\t10.0.0.2 "}, "203.0.113.7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.lines}}
			if got := ClientAddr(r, prefixes(strings.Fields(tt.trusted)...)); got.String() != tt.want {
				t.Errorf("%v, want %s", got, tt.want)
			}
		})
	}
}

// What a client sends through a proxy costs nothing that grows with it. B7
func TestClientAddrAllocs(t *testing.T) {
	for remote, lines := range map[string][]string{
		"192.0.2.1:1234":     nil,
		"[2001:db8::1]:1234": nil,
		"10.0.0.1:1":         {strings.Repeat(",", 1<<20) + "203.0.113.7, 10.0.0.2"},
		"10.0.0.1:2":         {strings.Repeat("10.0.0.2,", 1<<10) + "10.0.0.2"},
	} {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": lines}}
		trusted := prefixes("10.0.0.0/8")
		if n := testing.AllocsPerRun(10, func() { ClientAddr(r, trusted) }); n != 0 {
			t.Errorf("%s: %v allocations", remote, n)
		}
	}
}

// B7: other headers of that sort are not looked at, whoever sends them.
func TestClientAddrHeader(t *testing.T) {
	for _, name := range []string{"X-Real-Ip", "True-Client-Ip", "Forwarded", "Cf-Connecting-Ip", "X-Client-Ip"} {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{name: {"203.0.113.7"}}}
		if got := ClientAddr(r, prefixes("10.0.0.0/8")); got != netip.MustParseAddr("10.0.0.1") {
			t.Errorf("%s: %v, want the peer", name, got)
		}
	}
}

// Whatever a client writes into the header itself, a proxy's word stands,
// whether the proxy appends to the line or adds one. B7
func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"", "198.51.100.9", "10.0.0.2", "10.0.0.2, ", "unknown", ",,,", "[::1]:80", "::ffff:10.0.0.1", "\x00"} {
		f.Add(s)
	}
	trusted := prefixes("10.0.0.0/8")
	want := netip.MustParseAddr("203.0.113.7")
	f.Fuzz(func(t *testing.T, sent string) {
		for _, lines := range [][]string{
			{sent, "203.0.113.7"},
			{sent + ", 203.0.113.7"},
			{sent, "203.0.113.7, 10.0.0.2"},
			{sent + ", 203.0.113.7", "10.0.0.2"},
		} {
			r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": lines}}
			if got := ClientAddr(r, trusted); got != want {
				t.Errorf("%q: %v, want %v", lines, got, want)
			}
		}
	})
}

func TestNormalNetworks(t *testing.T) {
	given := prefixes("192.0.2.7/24", "2001:db8::1/32", "::ffff:192.0.2.7/120", "::ffff:192.0.2.7/128", "::ffff:0.0.0.0/96", "::/0", "0.0.0.0/0")
	before := slices.Clone(given)
	got, err := normalNetworks(given)
	if want := prefixes("192.0.2.0/24", "2001:db8::/32", "192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "::/0", "0.0.0.0/0"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if !slices.Equal(given, before) {
		t.Errorf("the caller's networks are now %v", given)
	}
	if got, err := normalNetworks(nil); got != nil || err != nil {
		t.Errorf("nil: %v, %v", got, err)
	}

	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("::ffff:192.0.2.7")
	for name, n := range map[string]netip.Prefix{
		"zero":                    {},
		"too many bits":           netip.PrefixFrom(v4, 33),
		"negative bits":           netip.PrefixFrom(v4, -1),
		"no address":              netip.PrefixFrom(netip.Addr{}, 0),
		"wider than IPv4 in IPv6": netip.PrefixFrom(v6, 95),
		"too many bits in IPv6":   netip.PrefixFrom(v6, 129),
	} {
		if got, err := normalNetworks([]netip.Prefix{before[0], n}); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}
