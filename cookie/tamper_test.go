package cookie_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// substitutes are the base64url alphabet and what a lenient decoder, parser or
// proxy might skip, fold or cut.
const substitutes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" +
	"+/=\" ,;|.%\\\n\r\t\v\x00\x7f\x80\xff"

// A tamperer presents values that are not quite the one of a good cookie.
type tamperer struct {
	site      *site
	name      string
	r         *http.Request
	presented int
	failures  int
}

func newTamperer(s *site, name string) *tamperer {
	return &tamperer{site: s, name: name, r: request("GET")}
}

// status returns the status that a visitor with this value gets, and whether
// the refusal is that of an invalid credential.
func (m *tamperer) status(value string) (int, bool) {
	m.r.Header["Cookie"] = []string{m.name + "=" + value}
	_, err := m.site.guard.Authenticate(m.r)
	var e *auth.Error
	if !errors.As(err, &e) {
		return http.StatusOK, false
	}
	return e.Status(), errors.Is(err, auth.ErrInvalidCredentials)
}

// refused fails the test if a value gets anything but the 401 of invalid
// credentials.
func (m *tamperer) refused(t *testing.T, what, value string) {
	t.Helper()
	m.presented++
	if status, invalid := m.status(value); !invalid {
		t.Errorf("%s: status %d: %q", what, status, value)
		if m.failures++; m.failures == 10 {
			t.FailNow()
		}
	}
}

// TestTampered presents every value that differs from a good one in one place.
// (K4)
func TestTampered(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		m := newTamperer(s, c.Name)
		s.wants(t, http.StatusOK, c)

		for i := range len(c.Value) {
			before, after := c.Value[:i], c.Value[i+1:]
			for j := range len(substitutes) {
				if ch := substitutes[j : j+1]; ch != c.Value[i:i+1] {
					m.refused(t, "substituted", before+ch+after)
				}
			}
			m.refused(t, "cut short", before)
			m.refused(t, "without its beginning", after)
			m.refused(t, "left out", before+after)
			// encoding/base64 skips line breaks: four of them leave the length
			// as it should be.
			for _, skipped := range []string{"\n", "\r", "\r\n", "\n\n\n\n", "\r\r\r\r", "\r\n\r\n", "=", "\x00"} {
				m.refused(t, "inserted", before+skipped+c.Value[i:])
			}
		}
		for _, more := range []string{
			"=", "==", "===", "====", "A", "AA", "AAA", "AAAA", "\n", "\r", "\n\n\n\n", "\r\r\r\r", "\x00", "|", ".", "%3D", c.Value,
		} {
			m.refused(t, "appended", c.Value+more)
			m.refused(t, "prepended", more+c.Value)
		}
		for _, half := range []string{`"`, `'`} {
			m.refused(t, "quoted on one side", half+c.Value)
			m.refused(t, "quoted on one side", c.Value+half)
		}
		m.refused(t, "quoted twice", `""`+c.Value+`""`)

		s.wants(t, http.StatusOK, c)
		if least := len(c.Value) * 64; m.presented < least {
			t.Errorf("%d values presented, want at least %d", m.presented, least)
		}
	})
}

// TestCanonical presents other strings that stand for the bytes of a good value:
// with unused bits set, and with more or less padding. Values of every length
// modulo three are tried, and the test counts on a lenient decoder that what it
// presents are such strings. (K4)
func TestCanonical(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec})
		unused := make(map[int]bool) // bits of the last character that have been unused
		for n := range 6 {
			c, _ := s.signInAs(t, strings.Repeat("a", n+1), nil)
			m := newTamperer(s, c.Name)
			data := strings.TrimRight(c.Value, "=")
			want := decode(data)
			unused[[]int{0, 0, 4, 2}[len(data)%4]] = true

			same := 0
			for j := range 64 {
				last := data[:len(data)-1] + substitutes[j:j+1]
				if last == data || string(decode(last)) != string(want) {
					continue
				}
				same++
				for _, padding := range []string{"", "=", "=="} {
					m.refused(t, "unused bits", last+padding)
				}
			}
			if all := []int{0, 0, 15, 3}[len(data)%4]; same != all {
				t.Errorf("codec %d: %d strings for the same bytes, want %d", codec, same, all)
			}
			for _, padding := range []string{"", "=", "==", "===", "===="} {
				if data+padding != c.Value {
					m.refused(t, "padding", data+padding)
				}
			}
			s.wants(t, http.StatusOK, c)
		}
		if len(unused) != 3 {
			t.Errorf("codec %d: lengths leave %v bits unused, want each of 0, 2, 4", codec, unused)
		}
	}
}

// decode decodes as leniently as encoding/base64 can.
func decode(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// TestUnreadable presents values that are no work of ours. (K4)
func TestUnreadable(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		m := newTamperer(s, "__Host-session")
		for _, value := range []string{
			"", " ", `""`, "=", "====", "A", "AA", "AAA", "AAAA", "AQ", "AQ==", "A===", "null", "deleted", "-", "|", "||", "MXx8",
			strings.Repeat("A", 32), strings.Repeat("A", 33), strings.Repeat("A", 34), strings.Repeat("A", 4096),
			base64.URLEncoding.EncodeToString(make([]byte, 25)), base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 24)...)),
			base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 40)...)),
			base64.URLEncoding.EncodeToString([]byte("1700000000|AAAA|" + strings.Repeat("m", 32))),
		} {
			m.refused(t, "no work of ours", value)
		}
		for n := 4000; n <= 70000; n += 1000 {
			m.refused(t, "too long", strings.Repeat("A", n))
		}
		// What browsers would not keep is cleared like anything invalid.
		for _, n := range []int{4081, 4096, 4097, 6000, 1 << 20} { // K3
			w := s.visit(&http.Cookie{Name: m.name, Value: strings.Repeat("A", n)})
			if w.Code != http.StatusUnauthorized || !cleared(t, w) {
				t.Errorf("%d bytes: status %d, Set-Cookie %q", n, w.Code, w.Header()["Set-Cookie"])
			}
		}
	})
}
