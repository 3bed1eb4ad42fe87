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
		for more := true; more; {
			if count++; count > maxCookies {
				return "", true, false
			}
			var part string
			part, line, more = strings.Cut(line, ";")
			rest, ok := strings.CutPrefix(trim(part), name)
			if !ok {
				continue
			}
			space, v, _ := strings.Cut(rest, "=")
			if trim(space) != "" { // a longer name
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

// trim returns s without spaces and tabs around it. strings.Trim would make a set
// of the two each time.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
