package cookie_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// TestTwoCookies has a guard that accepts two cookies: each is for itself, and
// one that is refused does not fall through to the other.
func TestTwoCookies(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		cfg.Name = "__Host-admin"
		admin := newSite(t, cfg)
		cfg.Name = "__Host-session"
		s := newSiteFor(t, cfg, auth.Config{Authenticators: []auth.Authenticator{admin.Sessions}})
		root, _ := admin.signInAs(t, "root", nil)
		ada, _ := s.signIn(t, nil)
		for _, tt := range []struct {
			name    string
			lines   []string
			want    int
			subject string
		}{
			{"one", []string{line(root)}, http.StatusOK, "root"},
			{"the other", []string{line(ada)}, http.StatusOK, "ada"},
			{"both", []string{line(ada), line(root)}, http.StatusOK, "root"},
			{"the first is refused", []string{line(root) + "A", line(ada)}, http.StatusUnauthorized, ""},
			{"none", nil, http.StatusUnauthorized, ""},
		} {
			w := s.do(request("GET", tt.lines...))
			if w.Code != tt.want || tt.subject != "" && w.Body.String() != tt.subject {
				t.Errorf("%s: status %d, %q", tt.name, w.Code, w.Body)
			}
			if c := cookieOf(t, w); c != nil && c.Name != root.Name {
				t.Errorf("%s: Set-Cookie %v", tt.name, c)
			}
		}
		if w := s.visit(nil); len(w.Header()["Www-Authenticate"]) != 1 {
			t.Errorf("challenges %q", w.Header()["Www-Authenticate"])
		}
	})
}

// picky lets nobody in.
type picky struct{ *cookie.Sessions }

var errPicky = errors.New("not today")

func (picky) Authenticate(*http.Request) (*auth.Identity, error) { return nil, errPicky }

// TestEmbedded has a host's type that embeds Sessions and decides for itself:
// the guard asks that, and not the method Identify of what is embedded.
func TestEmbedded(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		c, _ := s.signIn(t, nil)
		guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{picky{s.Sessions}}})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := guard.Authenticate(request("GET", line(c))); id != nil || !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("identity %+v, error %v", id, err)
		}
		s.wants(t, http.StatusOK, c)
	})
}
