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
func (m *Manager) ClientAddr(r *http.Request) netip.Addr { return clientAddr(r, m.cfg.TrustedProxies) }

// clientAddr returns the address that r comes from: the peer of the connection
// or, where that is a trusted proxy, the last address in X-Forwarded-For that
// is not one. It returns the zero Addr, which is in no network, if it cannot be
// told: nothing to the left of garbage is worth trust.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := PeerAddr(r)
	if len(trusted) == 0 || !within(addr, trusted) {
		return addr
	}
	lines := r.Header["X-Forwarded-For"]
	for _, line := range slices.Backward(lines) {
		hops := strings.Split(line, ",")
		for _, hop := range slices.Backward(hops) {
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
	addr, err := netip.ParseAddr(s)
	if err != nil {
		ap, _ := netip.ParseAddrPort(s)
		addr = ap.Addr()
	}
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
			return nil, fmt.Errorf("%v: not a network", networks[i])
		}
		normal[i] = n.Masked()
	}
	return normal, nil
}
