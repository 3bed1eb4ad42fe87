package cookie_test

import (
	"net/http"
	"testing"

	"github.com/keystile/keystile/cookie"
)

const (
	own     = "https://app.example.com" // of request
	trusted = "https://front.example.net"
)

// TestCrossOrigin sends requests of every method with every pair of headers,
// through a guard, with a good cookie. (X1, X3)
func TestCrossOrigin(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		cfg.TrustedOrigins = []string{trusted}
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		refused := 0
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "QUERY", "TRACE", "get", "post"} {
			safe := method == "GET" || method == "HEAD" || method == "OPTIONS"
			for _, site := range []string{"", "same-origin", "none", "same-site", "cross-site", "junk", "Same-Origin", "same-origin, none"} {
				for _, origin := range []string{"", own, "https://other.example.com", own + ":8443", "https://app.example.com.", "null", trusted, trusted + "/"} {
					var lines []string
					ok := safe
					switch site {
					case "": // an old browser, or none: then neither header is there
						ok = ok || origin == "" || origin == own || origin == trusted
					case "same-origin", "none":
						ok = true
					default:
						ok = ok || origin == trusted
					}
					if site != "" {
						lines = append(lines, "Sec-Fetch-Site: "+site)
					}
					if origin != "" {
						lines = append(lines, "Origin: "+origin)
					}
					before := s.served.Load()
					w := s.do(request(method, append(lines, line(c))...))
					want := http.StatusOK
					if !ok {
						want = http.StatusForbidden
						refused++
					}
					if w.Code != want || (s.served.Load() > before) != ok || len(w.Header()["Set-Cookie"]) != 0 {
						t.Errorf("%s %v: status %d, want %d; %v", method, lines, w.Code, want, w.Header())
					}
				}
			}
		}
		if refused == 0 {
			t.Error("the test refuses nothing")
		}
	})
}

// TestTrustedOrigins sends requests of origins that are almost a trusted one,
// as an attacker may register them. (X2)
func TestTrustedOrigins(t *testing.T) {
	s := newSite(t, cookie.Config{
		Keys:           []cookie.Key{cookie.NewKey()},
		TrustedOrigins: []string{trusted, "http://localhost:3000", "https://[2001:db8::1]:8443"},
	})
	c, _ := s.signIn(t, nil)
	for origin, want := range map[string]int{
		trusted:                      http.StatusOK,
		"http://localhost:3000":      http.StatusOK,
		"https://[2001:db8::1]:8443": http.StatusOK,

		"http://front.example.net":             http.StatusForbidden, // another scheme
		"https://front.example.net:8443":       http.StatusForbidden, // another port
		"https://front.example.net:443":        http.StatusForbidden,
		"https://front.example.net.evil.com":   http.StatusForbidden,
		"https://evilfront.example.net":        http.StatusForbidden,
		"https://evil.front.example.net":       http.StatusForbidden,
		"https://example.net":                  http.StatusForbidden,
		"https://frontXexample.net":            http.StatusForbidden,
		"https://front.example.net@evil.com":   http.StatusForbidden,
		"https://evil.com/front.example.net":   http.StatusForbidden,
		"https://evil.com#" + trusted:          http.StatusForbidden,
		"https://FRONT.example.net":            http.StatusForbidden,
		"HTTPS://front.example.net":            http.StatusForbidden,
		"https://front.example.net/":           http.StatusForbidden,
		"https://front.example.net ":           http.StatusForbidden,
		"https://front.example.net.":           http.StatusForbidden,
		"https://front.example.net, https://x": http.StatusForbidden,
		"https://localhost:3000":               http.StatusForbidden,
		"http://localhost":                     http.StatusForbidden,
		"http://localhost:30000":               http.StatusForbidden,
		"https://[2001:db8::2]:8443":           http.StatusForbidden,
		"null":                                 http.StatusForbidden,
		"*":                                    http.StatusForbidden,
	} {
		for _, site := range []string{"", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
			lines := []string{"Origin: " + origin, line(c)}
			if site != "" {
				lines = append(lines, site)
			}
			if w := s.do(request("POST", lines...)); w.Code != want {
				t.Errorf("Origin %q, %q: status %d, want %d", origin, site, w.Code, want)
			}
		}
	}
}

// TestSeveralLines sends a header more than once: net/http looks at the first
// line alone, whoever put it there. (X1)
func TestSeveralLines(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	c, _ := s.signIn(t, nil)
	for _, lines := range [][]string{
		{"Origin: " + own, "Origin: https://evil.example"},
		{"Origin: https://evil.example", "Origin: " + own},
		{"Origin: " + own, "Origin: " + own},
		{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"},
		{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin"},
		{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"},
		{"Sec-Fetch-Site: same-origin", "Origin: " + own, "Origin: https://evil.example"},
		{"Sec-Fetch-Site: ", "Sec-Fetch-Site: cross-site"},
	} {
		if w := s.do(request("POST", append(lines, line(c))...)); w.Code != http.StatusForbidden {
			t.Errorf("%q: status %d", lines, w.Code)
		}
		if w := s.do(request("GET", append(lines, line(c), "Upgrade: websocket")...)); w.Code != http.StatusForbidden {
			t.Errorf("%q: WebSocket: status %d", lines, w.Code)
		}
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if w := s.do(request(method, append(lines, line(c))...)); w.Code != http.StatusOK {
				t.Errorf("%q: %s: status %d", lines, method, w.Code)
			}
		}
	}
}

// TestWebSocket asks for another protocol, which browsers let every site do,
// with a GET. (X1)
func TestWebSocket(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		cfg.TrustedOrigins = []string{trusted}
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			lines []string
			want  int
		}{
			{[]string{"Upgrade: websocket", "Sec-Fetch-Site: same-origin", "Origin: " + own}, http.StatusOK},
			{[]string{"Upgrade: websocket", "Origin: " + own}, http.StatusOK},
			{[]string{"Upgrade: websocket", "Origin: " + trusted, "Sec-Fetch-Site: cross-site"}, http.StatusOK},
			{[]string{"Upgrade: websocket"}, http.StatusOK}, // no browser
			{[]string{"Upgrade: websocket", "Sec-Fetch-Site: cross-site"}, http.StatusForbidden},
			{[]string{"Upgrade: websocket", "Sec-Fetch-Site: same-site"}, http.StatusForbidden},
			{[]string{"Upgrade: websocket", "Origin: https://evil.example"}, http.StatusForbidden},
			{[]string{"Upgrade: websocket", "Origin: null"}, http.StatusForbidden},
			{[]string{"Upgrade: WebSocket", "Origin: https://evil.example"}, http.StatusForbidden},
			{[]string{"Upgrade: foo, websocket", "Origin: https://evil.example"}, http.StatusForbidden},
			{[]string{"Upgrade: foo", "Upgrade: websocket", "Origin: https://evil.example"}, http.StatusForbidden},
			{[]string{"Upgrade: ", "Origin: https://evil.example"}, http.StatusForbidden},
			{[]string{"Upgrade-Insecure-Requests: 1", "Sec-Fetch-Site: cross-site"}, http.StatusOK}, // a link
		} {
			r := request("GET", append(tt.lines, line(c))...)
			if w := s.do(r); w.Code != tt.want || r.Method != "GET" {
				t.Errorf("%q: status %d, want %d; method %s afterwards", tt.lines, w.Code, tt.want, r.Method)
			}
		}
	})
}

// TestNoHost sends requests without a Host, as HTTP/1.0 allows: an opaque Origin
// has none either, and the two must not be taken for the same. (X1)
func TestNoHost(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	c, _ := s.signIn(t, nil)
	for origin, want := range map[string]int{"": http.StatusOK, "null": http.StatusForbidden, "https://evil.example": http.StatusForbidden} {
		r := request("POST", line(c))
		r.Host = ""
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if w := s.do(r); w.Code != want {
			t.Errorf("Origin %q: status %d, want %d", origin, w.Code, want)
		}
	}
}
