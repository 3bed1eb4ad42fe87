package credential

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// PeerAddr returns the address of the connection that r came over, or the zero
// Addr if it has none.
func PeerAddr(r *http.Request) netip.Addr { return parseAddr(r.RemoteAddr) }

// ClientAddr returns the address that r comes from, or the zero Addr if it
// cannot be told.
func (m *Manager) ClientAddr(r *http.Request) netip.Addr { return ClientAddr(r, m.cfg.TrustedProxies) }

// ClientAddr returns the address that r comes from: the peer of the connection
// or, where that is a trusted proxy, the last address in X-Forwarded-For that
// is not one. It returns the zero Addr, which is in no network, if it cannot be
// told: nothing to the left of garbage is worth trust. It looks no further to
// the left than it must, and allocates nothing for addresses.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := PeerAddr(r)
	if len(trusted) == 0 || !within(addr, trusted) {
		return addr
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for more := true; more; {
			hop := line
			i := strings.LastIndexByte(line, ',')
			if more = i >= 0; more {
				line, hop = line[:i], line[i+1:]
			}
			addr = parseAddr(strings.TrimSpace(hop))
			if !within(addr, trusted) {
				return addr
			}
		}
	}
	return addr
}

// parseAddr parses an address, with or without a port.
func parseAddr(s string) netip.Addr {
	// Only IPv6 has several colons outside of brackets. What is tried in vain
	// costs an error, and some requests have nothing that costs more.
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1 {
		ap, _ := netip.ParseAddrPort(s)
		return normalAddr(ap.Addr())
	}
	addr, _ := netip.ParseAddr(s)
	return normalAddr(addr)
}

// normalAddr returns addr without a zone, and an IPv4 address in IPv6 clothes
// as the IPv4 address that it is. Otherwise one client would have several
// addresses, some of them outside of the networks that contain it.
func normalAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func within(addr netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// normalNetworks returns networks in the form that within expects, or an error
// that names the first one that is not a network.
func normalNetworks(networks []netip.Prefix) ([]netip.Prefix, error) {
	normal := slices.Clone(networks)
	for i, n := range networks {
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		if !n.IsValid() || n.Addr().Is4In6() {
			return nil, fmt.Errorf("%v: must be a network, as netip.ParsePrefix reads them", networks[i])
		}
		normal[i] = n.Masked()
	}
	return normal, nil
}

// TrustedProxies returns networks in the form that [ClientAddr] expects, and
// tells fail what is wrong with them.
func TrustedProxies(networks []netip.Prefix, fail func(format string, a ...any)) []netip.Prefix {
	normal, err := normalNetworks(networks)
	if err != nil {
		fail("TrustedProxies: %w", err)
	}
	for _, n := range normal {
		if n.Bits() == 0 {
			fail("TrustedProxies: %v: trusts everyone to tell their own address: name the networks of the proxies alone", n)
		}
	}
	return normal
}
