package throttle

import "net/netip"

// A client is who attempts are counted for: the 16 bytes of an IPv4 address in
// IPv6 form, or of an IPv6 address whose last eight are zero.
type client [16]byte

// unknown is everybody whose address cannot be told. It is a multicast address,
// which nobody has.
var unknown = client{0xff, 0xff}

func clientOf(addr netip.Addr) client {
	switch {
	case !addr.IsValid():
		return unknown
	case addr.Is4():
		return addr.As16()
	}
	c := client(addr.As16())
	clear(c[8:])
	return c
}

// prefix returns the network that c is.
func (c client) prefix() netip.Prefix {
	if addr := netip.AddrFrom16(c); addr.Is4In6() {
		return netip.PrefixFrom(addr.Unmap(), 32)
	}
	return netip.PrefixFrom(netip.AddrFrom16(c), 64)
}
