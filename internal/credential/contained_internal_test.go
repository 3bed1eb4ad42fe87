package credential

import (
	"net/netip"
	"testing"
)

// Whatever networks a secret and a token have, and wherever a request comes
// from: a token that may be exchanged is used from no address that the secret
// could not be, and an address is one, in IPv6 clothes or not. R9, B7
func FuzzNetworks(f *testing.F) {
	for _, s := range [][3]string{
		{"192.0.2.0/24", "192.0.2.0/25", "192.0.2.7"},
		{"192.0.2.0/24", "192.0.0.0/16", "192.0.2.7"},
		{"::ffff:192.0.2.0/120", "192.0.2.7/32", "::ffff:192.0.2.7"},
		{"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1%eth0"},
		{"0.0.0.0/0", "::/0", "::1"},
		{"::/0", "::ffff:0.0.0.0/96", "10.0.0.1"},
		{"::ffff:0:0/95", "10.0.0.0/8", "10.0.0.1"},
		{"10.0.0.0/8", "10.0.0.0/0", ""},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, outer, inner, from string) {
		o, err := netip.ParsePrefix(outer)
		if err != nil {
			return
		}
		i, err := netip.ParsePrefix(inner)
		if err != nil {
			return
		}
		outers, err := normalNetworks([]netip.Prefix{o})
		if err != nil {
			return
		}
		inners, err := normalNetworks([]netip.Prefix{i})
		if err != nil {
			return
		}
		if again, err := normalNetworks(inners); err != nil || again[0] != inners[0] {
			t.Errorf("%v normalised twice: %v, %v", inners[0], again, err)
		}
		addr := parseAddr(from)
		if addr.IsValid() {
			if as6 := parseAddr(netip.AddrFrom16(addr.As16()).String()); as6 != addr {
				t.Errorf("%v in IPv6 clothes: %v", addr, as6)
			}
		} else if within(addr, inners) {
			t.Errorf("no address (%q) is within %v", from, inners)
		}
		if !contained(inners, outers) {
			return
		}
		for _, a := range []netip.Addr{addr, inners[0].Addr(), last(inners[0])} {
			if within(a, inners) && !within(a, outers) {
				t.Errorf("%v is contained in %v, and %v is not", inners, outers, a)
			}
		}
	})
}

// last returns the last address of n.
func last(n netip.Prefix) netip.Addr {
	b := n.Addr().AsSlice()
	for bit := n.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
