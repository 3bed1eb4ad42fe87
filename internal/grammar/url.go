package grammar

import (
	"fmt"
	"net/netip"
	"net/url"
)

// CheckURL returns an error if s is not the URL of an endpoint: absolute,
// without user and fragment, of printable characters, and with https. On this
// machine, where nobody listens in, http will do.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return err // it quotes s
	}
	reason := ""
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		reason = "must be absolute, with a scheme and a host"
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		reason = "must begin with https, or for localhost with http"
	case u.User != nil:
		reason = "must name no user"
	case u.Fragment != "" || s[len(s)-1] == '#':
		reason = "must have no fragment"
	case !IsPrintable(s):
		reason = "must be printable ASCII"
	default:
		return nil
	}
	return fmt.Errorf("%q: %s", s, reason)
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	addr, _ := netip.ParseAddr(host)
	return host == "localhost" || addr.IsLoopback()
}
