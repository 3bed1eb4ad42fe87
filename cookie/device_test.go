package cookie_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestDevices signs in from devices and reads the list of them.
func TestDevices(t *testing.T) {
	s := storedSite(t, store.NewMemory())
	long := strings.Repeat("a", 254)
	for _, tt := range []struct {
		name             string
		addr             netip.Addr
		userAgent        string
		wantAddr, wantUA string
	}{
		{"nothing", netip.Addr{}, "", "invalid IP", ""},
		{"IPv4", netip.MustParseAddr("192.0.2.1"), "curl/8.5.0", "192.0.2.1", "curl/8.5.0"},
		{"IPv6", netip.MustParseAddr("2001:db8::1"), "Mozilla/5.0 (X11)", "2001:db8::1", "Mozilla/5.0 (X11)"},
		{"IPv6 with a zone", netip.MustParseAddr("fe80::1%eth0"), "x", "fe80::1", "x"},
		{"IPv6 with a zone from a header", netip.MustParseAddr("fe80::1%" + strings.Repeat("\x05evil", 500)), "x", "fe80::1", "x"},
		{"255 bytes", netip.Addr{}, long + "b", "invalid IP", long + "b"},
		{"256 bytes", netip.Addr{}, long + "bc", "invalid IP", long + "b"},
		{"cut within two bytes", netip.Addr{}, long + "ü", "invalid IP", long},
		{"cut after two bytes", netip.Addr{}, long[1:] + "üx", "invalid IP", long[1:] + "ü"},
		{"cut within four bytes", netip.Addr{}, long[2:] + "😀", "invalid IP", long[2:]},
		{"invalid UTF-8", netip.Addr{}, "a\xff\xfeb\xc3", "invalid IP", "a\uFFFDb\uFFFD"},
		{"invalid UTF-8, too long", netip.Addr{}, strings.Repeat("a\xff", 200), "invalid IP", strings.Repeat("a\uFFFD", 63) + "a"},
		{"a megabyte", netip.Addr{}, strings.Repeat("é", 1<<19), "invalid IP", strings.Repeat("é", 127)},
	} {
		subject := tt.name
		id, err := s.SignIn(httptest.NewRecorder(), request("POST"), cookie.Request{Subject: subject, Addr: tt.addr, UserAgent: tt.userAgent})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		list, err := s.List(t.Context(), subject)
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %d sessions, error %v", tt.name, len(list), err)
		}
		got := list[0]
		if got.Addr.String() != tt.wantAddr || got.UserAgent != tt.wantUA {
			t.Errorf("%s: address %v, user agent %q", tt.name, got.Addr, got.UserAgent)
		}
		if got.ID != id.Credential || !got.CreatedAt.Equal(id.IssuedAt) || !got.ExpiresAt.Equal(got.CreatedAt.Add(24*time.Hour)) || !got.LastUsedAt.IsZero() {
			t.Errorf("%s: session %+v of identity %+v", tt.name, got, id)
		}
	}
}
