package cookie_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestAttributes parses the Set-Cookie line of a sign-in. The first case are
// the defaults. (K1)
func TestAttributes(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  cookie.Config
		want http.Cookie
	}{
		{"defaults", cookie.Config{},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"SameSite spelled out", cookie.Config{SameSite: http.SameSiteDefaultMode},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"Strict", cookie.Config{SameSite: http.SameSiteStrictMode},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}},
		{"None", cookie.Config{SameSite: http.SameSiteNoneMode},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode}},
		{"Domain", cookie.Config{Domain: "example.com"},
			http.Cookie{Name: "session", Domain: "example.com", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"Path", cookie.Config{Path: "/app"},
			http.Cookie{Name: "session", Path: "/app", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"InsecureHTTP", cookie.Config{InsecureHTTP: true},
			http.Cookie{Name: "session", Path: "/", MaxAge: 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"Name", cookie.Config{Name: "__Secure-id", Domain: "example.com"},
			http.Cookie{Name: "__Secure-id", Domain: "example.com", Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"no idle timeout", cookie.Config{IdleTimeout: -1},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 86400, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
		{"a short lifetime", cookie.Config{Lifetime: 10 * time.Minute},
			http.Cookie{Name: "__Host-session", Path: "/", MaxAge: 600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Keys = []cookie.Key{cookie.NewKey()}
			s := newSite(t, tt.cfg)
			got, _ := s.signIn(t, nil)
			s.wants(t, http.StatusOK, got)
			gone := cookieOf(t, s.signOut(t, got))

			got.Raw, got.Value = "", ""
			if !reflect.DeepEqual(got, &tt.want) {
				t.Errorf("got  %v\nwant %v", got, &tt.want)
			}
			// Browsers match it with the one to be cleared by name, domain
			// and path, and need the rest to accept it at all. (K6)
			gone.Raw, gone.MaxAge = "", tt.want.MaxAge
			if !reflect.DeepEqual(gone, &tt.want) {
				t.Errorf("clearing: got  %v\nwant %v", gone, &tt.want)
			}
		})
	}
}

// TestConfig tries configurations that are unsafe, or whose cookies browsers
// would drop. (K2, B8)
func TestConfig(t *testing.T) {
	key, other := cookie.NewKey(), cookie.NewKey()
	var noMemory *store.Memory
	for _, tt := range []struct {
		name string
		cfg  cookie.Config // Keys: a good one, where there are none
		want []string      // what each of the mistakes is called; none: it is fine
	}{
		{"__Host- with Domain", cookie.Config{Name: "__Host-id", Domain: "example.com"}, []string{"Name: "}},
		{"__Host- with Path", cookie.Config{Name: "__Host-id", Path: "/app"}, []string{"Name: "}},
		{"__Host- over HTTP", cookie.Config{Name: "__Host-id", InsecureHTTP: true}, []string{"Name: "}},
		{"__host-", cookie.Config{Name: "__host-id", Path: "/app"}, []string{"Name: "}},
		{"__HOST-", cookie.Config{Name: "__HOST-id", Domain: "example.com"}, []string{"Name: "}},
		{"__Host-Http- with Path", cookie.Config{Name: "__Host-Http-id", Path: "/app"}, []string{"Name: "}},
		{"__Secure- over HTTP", cookie.Config{Name: "__Secure-id", InsecureHTTP: true}, []string{"Name: "}},
		{"__sEcUrE- over HTTP", cookie.Config{Name: "__sEcUrE-id", InsecureHTTP: true}, []string{"Name: "}},
		{"__Http- over HTTP", cookie.Config{Name: "__Http-id", InsecureHTTP: true}, []string{"Name: "}},
		{"__Host-", cookie.Config{Name: "__Host-id", Path: "/"}, nil},
		{"__Secure-", cookie.Config{Name: "__Secure-id", Path: "/app", Domain: "example.com"}, nil},
		{"__Http-", cookie.Config{Name: "__Http-id", Domain: "example.com"}, nil},

		{"Name with a space", cookie.Config{Name: "my session"}, []string{"Name: "}},
		{"Name with =", cookie.Config{Name: "a=b"}, []string{"Name: "}},
		{"Name with ;", cookie.Config{Name: "a;b"}, []string{"Name: "}},
		{"Name with CR LF", cookie.Config{Name: "a\r\nSet-Cookie: b"}, []string{"Name: "}},
		{"Name not ASCII", cookie.Config{Name: "sitzung-ü"}, []string{"Name: "}},
		{"Name too long", cookie.Config{Name: strings.Repeat("n", 4000)}, []string{"Name: "}},

		{"Domain with a port", cookie.Config{Domain: "example.com:443"}, []string{"Domain, Path: "}},
		{"Domain with a space", cookie.Config{Domain: "exa mple.com"}, []string{"Domain, Path: "}},
		{"Domain with CR LF", cookie.Config{Domain: "example.com\r\n"}, []string{"Domain, Path: "}},
		{"Domain with ;", cookie.Config{Domain: "example.com; Path=/"}, []string{"Domain, Path: "}},
		{"Path without slash", cookie.Config{Path: "app"}, []string{"Path: "}},
		{"Path with ;", cookie.Config{Path: "/;Domain=evil.com"}, []string{"Domain, Path: "}},
		{"Path with a control", cookie.Config{Path: "/\x1f"}, []string{"Domain, Path: "}},
		{"Path with LF", cookie.Config{Path: "/\n"}, []string{"Domain, Path: "}},
		{"SameSite None over HTTP", cookie.Config{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}, []string{"SameSite: "}},
		{"SameSite too large", cookie.Config{SameSite: http.SameSiteNoneMode + 1}, []string{"SameSite: "}},
		{"SameSite negative", cookie.Config{SameSite: -1}, []string{"SameSite: "}},

		{"zero key", cookie.Config{Keys: []cookie.Key{key, {}}}, []string{"Keys[1]: "}}, // K10
		{"key of zeros", cookie.Config{Keys: []cookie.Key{parse(t, strings.Repeat("A", 43))}}, []string{"Keys[0]: "}},
		{"the same key twice", cookie.Config{Keys: []cookie.Key{key, other, key}}, []string{"Keys[2]: the same as Keys[0]"}}, // K10
		{"the same key twice, parsed", cookie.Config{Keys: []cookie.Key{key, parse(t, key.Reveal())}}, []string{"Keys[1]: the same as Keys[0]"}},
		{"Codec", cookie.Config{Codec: cookie.AEAD + 1}, []string{"Codec: "}},

		{"Lifetime below", cookie.Config{Lifetime: time.Minute - 1, IdleTimeout: -1}, []string{"Lifetime: "}},
		{"Lifetime above", cookie.Config{Lifetime: 365*24*time.Hour + 1}, []string{"Lifetime: "}},
		{"Lifetime negative", cookie.Config{Lifetime: -time.Hour}, []string{"Lifetime: "}},
		{"Lifetime shortest", cookie.Config{Lifetime: time.Minute}, nil},
		{"Lifetime longest", cookie.Config{Lifetime: 365 * 24 * time.Hour}, nil},
		{"IdleTimeout below", cookie.Config{IdleTimeout: time.Minute - 1}, []string{"IdleTimeout: "}},
		{"IdleTimeout above Lifetime", cookie.Config{Lifetime: time.Hour, IdleTimeout: time.Hour + 1}, []string{"IdleTimeout: "}},
		{"IdleTimeout of Lifetime", cookie.Config{Lifetime: time.Hour, IdleTimeout: time.Hour}, nil},
		{"IdleTimeout shortest", cookie.Config{IdleTimeout: time.Minute}, nil},

		{"Realm with CR", cookie.Config{Realm: "a\rb"}, []string{"Realm: "}}, // C2
		{"Realm with LF", cookie.Config{Realm: "a\nb"}, []string{"Realm: "}},
		{"Realm with a quote", cookie.Config{Realm: `a"b\c`}, nil},
		{"Store typed nil", cookie.Config{Store: noMemory}, []string{"Store: a nil *store.Memory"}},

		{"everything", cookie.Config{
			Keys: []cookie.Key{{}}, Store: noMemory, Codec: 7, Name: "__Host-id", Domain: "a b", Path: "x", SameSite: 9, InsecureHTTP: true,
			Lifetime: time.Second, IdleTimeout: time.Millisecond, TrustedOrigins: []string{"null", "*"}, Realm: "\n",
		}, []string{"Keys[0]: ", "Store: ", "Codec: ", "Name: ", "Domain, Path: ", "Path: ", "SameSite: ",
			"Lifetime: ", "IdleTimeout: ", "TrustedOrigins[0]: ", "TrustedOrigins[1]: ", "Realm: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.cfg.Keys == nil {
				tt.cfg.Keys = []cookie.Key{key}
			}
			s, err := cookie.New(tt.cfg)
			checkMistakes(t, err, tt.want)
			if (s == nil) != (err != nil) {
				t.Errorf("Sessions %v with error %v", s, err)
			}
		})
	}
	_, err := cookie.New(cookie.Config{})
	checkMistakes(t, err, []string{"Keys: empty"})
}

// checkMistakes fails the test if err does not name exactly the mistakes in
// want, each in a line of its own.
func checkMistakes(t *testing.T, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%d mistakes, want %d: %v", len(lines), len(want), err)
	}
	for _, mistake := range want {
		if !strings.Contains("\n"+strings.Join(lines, "\n"), "\ncookie: Config."+mistake) {
			t.Errorf("%q is not in: %v", mistake, err)
		}
	}
}

// TestTrustedOriginsConfig tries what is no origin as browsers send it: it
// would never match, and whoever wrote it believes that it does. (K2)
func TestTrustedOriginsConfig(t *testing.T) {
	for origin, ok := range map[string]bool{
		"https://app.example.com":       true,
		"https://app.example.com:8443":  true,
		"http://localhost:3000":         true,
		"https://[::1]:8443":            true,
		"http://192.0.2.1":              true,
		"https://xn--bcher-kva.example": true,

		"":                             false,
		"null":                         false,
		"*":                            false,
		"app.example.com":              false,
		"//app.example.com":            false,
		"https://":                     false,
		"https://app.example.com/":     false,
		"https://app.example.com/path": false,
		"https://app.example.com?":     false,
		"https://app.example.com#":     false,
		"https://app.example.com:":     false,
		"https://app.example.com:443":  false, // browsers leave the default port out
		"http://app.example.com:80":    false,
		"https://App.example.com":      false,
		"HTTPS://app.example.com":      false,
		"https://*.example.com":        false,
		"https://bücher.example":       false,
		"https://user@app.example.com": false,
		"https://app.example.com, https://b.example.com": false,
		" https://app.example.com":                       false,
		"https://app.example.com\n":                      false,
		"ftp://app.example.com":                          false,
		"chrome-extension://abcdef":                      false,
	} {
		_, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, TrustedOrigins: []string{origin}})
		if (err == nil) != ok {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

// TestConfigIsCopied changes a configuration after it was used.
func TestConfigIsCopied(t *testing.T) {
	cfg := cookie.Config{
		Keys: []cookie.Key{cookie.NewKey()}, TrustedOrigins: []string{"https://front.example.com"},
	}
	s := newSite(t, cfg)
	c, _ := s.signIn(t, nil)
	cfg.Keys[0], cfg.TrustedOrigins[0] = cookie.NewKey(), "https://evil.example"
	s.wants(t, http.StatusOK, c)
	if w := s.do(request("POST", "Origin: https://evil.example", line(c))); w.Code != http.StatusForbidden {
		t.Errorf("an origin that was put into the slice later: status %d", w.Code)
	}
}
