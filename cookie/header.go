package cookie

import (
	"net/http"
	"strings"
)

const (
	maxCookie  = 4096 // bytes, of a name and a value: RFC 6265bis section 5.6
	maxName    = 255  // bytes, of a name, so that every session fits with a store
	maxCookies = 3000 // in one request, as net/http has it
)

// find returns the value of the cookie with this name, as net/http's
// Request.Cookie does, whether there is one, and whether it is the only one:
// several are one if they are equal. Of a header with too many cookies it says
// that it is not. It looks for nothing else in the header, which takes a
// fraction of the time and allocates nothing.
func find(h http.Header, name string) (value string, found, ok bool) {
	count := 0
	for _, line := range h["Cookie"] {
		count += strings.Count(line, ";") + 1
		if count > maxCookies {
			return "", true, false
		}
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ";")
			n, v, _ := strings.Cut(strings.Trim(part, " \t"), "=")
			if strings.TrimRight(n, " \t") != name {
				continue
			}
			if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
				v = v[1 : len(v)-1]
			}
			if found && v != value {
				return "", true, false
			}
			value, found = v, true
		}
	}
	return value, found, true
}
