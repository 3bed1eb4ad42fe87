package cookie

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/keystile/keystile/auth"
)

// Protect returns a handler that refuses, with 403, what another site made a
// browser send, and passes everything else to next. It is for routes that have
// no session yet, sign-in above all: otherwise a site could sign its visitors
// in to an account of its own. Behind [auth.Guard.Require] it is not needed;
// behind Optional it is, for requests without a session.
func (s *Sessions) Protect(next http.Handler) http.Handler {
	if err := s.made(); err != nil {
		panic(err)
	}
	if next == nil {
		panic("cookie: Protect: nil handler")
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{originCheck{s}}, Observe: s.observe})
	if err != nil {
		panic(err) // there is nothing in it that could be wrong
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// next gets r as it came. Optional would take away the identity that
		// another Guard, further out, has put into its context.
		guard.Optional(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			next.ServeHTTP(w, r)
		})).ServeHTTP(w, r)
	})
}

// originCheck finds credentials in no request, and refuses some.
type originCheck struct{ s *Sessions }

func (originCheck) Ambient() {}

func (o originCheck) Authenticate(r *http.Request) (*auth.Identity, error) {
	if err := o.s.checkOrigin(r); err != nil {
		return nil, err
	}
	return nil, auth.ErrNoCredentials
}

// checkOrigin returns an error that wraps auth.ErrCrossOrigin if another site
// made a browser send r and it might change something.
func (s *Sessions) checkOrigin(r *http.Request) error {
	if err := s.made(); err != nil {
		return err
	}
	if len(r.Header["Upgrade"]) > 0 {
		// A WebSocket begins with a GET, and browsers let every site open one.
		post := *r
		post.Method = http.MethodPost
		r = &post
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if r.Host == "" && len(r.Header["Origin"]) > 0 {
		return fmt.Errorf("%w: Origin without Host", auth.ErrCrossOrigin)
	}
	if len(r.Header["Origin"]) > 1 || len(r.Header["Sec-Fetch-Site"]) > 1 {
		return fmt.Errorf("%w: several Origin or Sec-Fetch-Site lines", auth.ErrCrossOrigin)
	}
	if err := s.origins.Check(r); err != nil {
		return fmt.Errorf("%w: %w", auth.ErrCrossOrigin, err)
	}
	return nil
}

// isOrigin reports whether s is an origin as browsers write it, without capital
// letters and a default port: anything else would never match.
func isOrigin(s string) bool {
	if !regexp.MustCompile(`^https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]*)?$`).MatchString(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Port() != map[string]string{"https": "443", "http": "80"}[u.Scheme]
}
