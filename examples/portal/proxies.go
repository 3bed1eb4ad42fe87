package main

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-chi/chi/v5/middleware"
)

// A proxyList is the networks of reverse proxies, as a flag.
type proxyList []netip.Prefix

func (l *proxyList) String() string { return "" }

// Set implements flag.Value.
func (l *proxyList) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l = append(*l, p)
	}
	return nil
}

// clientAddr returns the address that a request is from.
func clientAddr(ctx context.Context) netip.Addr { return middleware.GetClientIPAddr(ctx) }

// fromClients keeps the address of the client for clientAddr: that of the
// connection or, where it is one of proxies, what that says of it.
func fromClients(proxies proxyList, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return middleware.ClientIPFromRemoteAddr(next)
	}
	var names []string
	for _, p := range proxies {
		names = append(names, p.String())
	}
	return middleware.ClientIPFromXFF(names...)(next)
}
