package cookie_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// large returns a request whose cookie grows with n.
func large(n int) cookie.Request {
	req := cookie.Request{Subject: "ada"}
	for ; n > 0; n -= 200 {
		req.Scopes = append(req.Scopes, strings.Repeat("s", min(n, 200)))
	}
	return req
}

// TestSize signs in with cookies of 4096 bytes, which browsers keep, and of
// 4097. (K3)
func TestSize(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		// A name that is filled up to make the sum exact: its length is not
		// in the value.
		var s *site
		var told []auth.EventType
		named := func(length int) {
			s = newSite(t, cookie.Config{
				Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Name: strings.Repeat("n", length),
				Observe: collect(&told),
			})
		}
		signIn := func(req cookie.Request, old *http.Cookie) (*httptest.ResponseRecorder, error) {
			w, r := httptest.NewRecorder(), request("POST")
			if old != nil {
				r.AddCookie(old)
			}
			_, err := s.SignIn(w, r, req)
			return w, err
		}

		named(1)
		n, length := 0, 0 // the longest value that leaves room for a name of a few bytes
		for length < 3950 {
			n += 10
			w, err := signIn(large(n), nil)
			if err != nil {
				t.Fatal(err)
			}
			length = len(cookieOf(t, w).Value)
		}

		named(4096 - length)
		w, err := signIn(large(n), nil)
		if err != nil {
			t.Fatalf("codec %d, 4096 bytes: %v", codec, err)
		}
		c := cookieOf(t, w)
		if got := len(c.Name) + len(c.Value); got != 4096 {
			t.Errorf("codec %d: %d bytes", codec, got)
		}
		s.wants(t, http.StatusOK, c)

		named(4097 - length)
		small, err := signIn(cookie.Request{Subject: "ada"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{n, n + 1, n + 3, 2 * n, 20000} {
			told = nil
			w, err := signIn(large(n), cookieOf(t, small))
			if !errors.Is(err, cookie.ErrRequest) || !strings.Contains(err.Error(), "4096 bytes") {
				t.Errorf("codec %d, %d bytes of scopes: error %v", codec, n, err)
			}
			if len(w.Header()) != 0 || len(told) != 0 {
				t.Errorf("codec %d, %d bytes of scopes: header %v, events %v", codec, n, w.Header(), told)
			}
		}
		s.wants(t, http.StatusOK, cookieOf(t, small))
	}
}

// TestSizeWithStore signs in with more than any cookie could hold: with a store
// it is not in there. (K3)
func TestSizeWithStore(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		s := newSite(t, cookie.Config{
			Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: store.NewMemory(), Name: strings.Repeat("n", 255),
		})
		w := httptest.NewRecorder()
		if _, err := s.SignIn(w, request("POST"), large(20000)); err != nil {
			t.Fatal(err)
		}
		c := cookieOf(t, w)
		if got := len(c.Name) + len(c.Value); got > 512 {
			t.Errorf("codec %d: %d bytes", codec, got)
		}
		s.wants(t, http.StatusOK, c)
	}
}

// TestRequest signs in with what is out of bounds. (B8, T5)
func TestRequest(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		for name, req := range map[string]cookie.Request{
			"no subject":         {},
			"long subject":       {Subject: strings.Repeat("a", 256)},
			"subject with LF":    {Subject: "ada\n"},
			"subject with NUL":   {Subject: "ada\x00"},
			"subject not UTF-8":  {Subject: "ada\xff"},
			"empty scope":        {Subject: "ada", Scopes: []string{""}},
			"scope with a space": {Subject: "ada", Scopes: []string{"a b"}},
			"long scope":         {Subject: "ada", Scopes: []string{strings.Repeat("s", 256)}},
			"too many scopes":    {Subject: "ada", Scopes: make([]string, 101)},
			"everything at once": {Subject: strings.Repeat("\xff", 256), Scopes: []string{" "}},
		} {
			w := httptest.NewRecorder()
			id, err := s.SignIn(w, request("POST"), req)
			if id != nil || !errors.Is(err, cookie.ErrRequest) || !strings.HasPrefix(err.Error(), "cookie: sign in: ") || len(w.Header()) != 0 {
				t.Errorf("%s: identity %v, error %v, header %v", name, id, err, w.Header())
			}
		}
		for name, scopes := range map[string][]string{
			"all":  nil,
			"none": {},
			"star": {auth.AllScopes},
			"two":  {"reports:read", "reports:write"},
		} {
			w := httptest.NewRecorder()
			req := cookie.Request{Subject: strings.Repeat("ü", 127), Scopes: scopes}
			made, err := s.SignIn(w, request("POST"), req)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := s.Authenticate(request("GET", line(cookieOf(t, w))))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if scopes == nil {
				scopes = []string{auth.AllScopes}
			}
			for what, id := range map[string]*auth.Identity{"SignIn": made, "Authenticate": got} {
				if id.Subject != req.Subject || id.Scheme != "Cookie" || strings.Join(id.Scopes, " ") != strings.Join(scopes, " ") {
					t.Errorf("%s: %s: %+v", name, what, id)
				}
			}
			if made.Credential != got.Credential || !made.IssuedAt.Equal(got.IssuedAt) || !made.ExpiresAt.Equal(got.ExpiresAt) {
				t.Errorf("%s: made %+v, got %+v", name, made, got)
			}
		}
	})
}
